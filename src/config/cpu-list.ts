/** Linux is never built for more. */
const MAX_CPUS = 8192;

/** CPUs in the form in which Linux writes them, such as `0-3,8`, in order and without repeats; undefined: not that form. */
export function parseCpuList(text: string): readonly number[] | undefined {
  const cpus = new Set<number>();
  for (const part of text.split(',')) {
    const [, first, last = first] = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part) ?? [];
    const start = Number(first);
    const end = Number(last);
    if (!(start <= end && end < MAX_CPUS)) return undefined;
    for (let cpu = start; cpu <= end; cpu++) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}
