import { requiredNode } from './package-version';

/** Why this Node cannot run the server; undefined when it can. Both are versions such as `20.19` or `22.1.0`. */
export function nodeFault(version: string, least: string): string | undefined {
  const [has, needs] = [version, least].map((text) => text.split('.').map(Number));
  for (let i = 0; i < (needs?.length ?? 0); i++) {
    const difference = (has?.[i] ?? 0) - (needs?.[i] ?? 0);
    if (difference > 0) return undefined;
    if (difference < 0) return `This server needs Node ${least} or newer, and this is Node ${version}.`;
  }
  return undefined;
}

// Before anything else is loaded: what an old Node lacks would show as a stack trace out of some package.
const fault = nodeFault(process.versions.node, requiredNode);
if (fault !== undefined) {
  console.error(fault);
  process.exit(1);
}
