/** `NAME=value`, also with `export` before it, or with a colon as YAML has it. */
const ASSIGNMENT = /^\s*(?:export\s+)?([\w.-]+)(?:\s*=|:\s)\s*(.*)$/;
const NOTHING = /^\s*(?:#.*)?$/;
const QUOTES = ['"', "'", '`'];
/** A line for each, but not hundreds. */
const MOST_LINES = 50;

/**
 * What in the text of a `.env` does nothing, or other than it seems: lines that assign nothing, quotes that nothing closes,
 * names that come twice. Numbers and names alone, no values.
 * @returns a sentence for each
 */
export function dotEnvFaults(text: string): string[] {
  const faults: string[] = [];
  const seen = new Map<string, number>();
  const lines = text.split(/\r\n|\n|\r/);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const number = i + 1;
    if (NOTHING.test(line)) continue;
    const [, name, value = ''] = ASSIGNMENT.exec(line) ?? [];
    if (name === undefined) {
      faults.push(`line ${number} of .env does nothing: expected NAME=value`);
      continue;
    }
    const before = seen.get(name);
    if (before !== undefined)
      faults.push(
        `${name.slice(0, 64)} is given twice in .env, on lines ${before} and ${number}: the last counts`,
      );
    seen.set(name, number);
    const quote = QUOTES.find((each) => value.startsWith(each));
    if (quote === undefined || value.indexOf(quote, 1) !== -1) continue;
    const end = lines.findIndex((later, at) => at > i && later.includes(quote));
    if (end === -1) faults.push(`line ${number} of .env opens a quote that nothing closes`);
    else i = end;
  }
  return faults.slice(0, MOST_LINES);
}
