/** Runs the command lines that its parent sends, one after another, and answers with their outcomes. */
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
require('../../dist/config/telemetry-off');
const { runCommand } = require('../../dist/cli/commands.js');

async function outcomeOf(args) {
  const lines = { out: [], error: [] };
  const output = {
    out: (line) => lines.out.push(`${line}\n`),
    error: (line) => lines.error.push(`${line}\n`),
  };
  const folder = mkdtempSync(join(tmpdir(), 'nestor-command-'));
  const file = join(folder, 'out');
  const isPrinted = args[0] === 'run' && !args.includes('--out');
  const code = await runCommand(isPrinted ? [...args, '--out', file] : args, output);
  let stdout = lines.out.join('');
  try {
    if (isPrinted) stdout = readFileSync(file, 'utf8');
  } catch {
    // Nothing was written.
  }
  rmSync(folder, { recursive: true });
  return { code, stdout, stderr: lines.error.join('') };
}

process.on('message', (args) => void outcomeOf(args).then((outcome) => process.send(outcome)));
