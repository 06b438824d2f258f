#!/usr/bin/env node
import '../config/compile-cache';
// ONNX Runtime reads this once, when it is loaded; nothing may be loaded before it is set.
import '../config/telemetry-off';
import { EXIT, type Output } from './command';
import { runCommand } from './commands';

const output: Output = {
  out: (line) => void process.stdout.write(`${line}\n`),
  error: (line) => void process.stderr.write(`${line}\n`),
};

// A reader that has seen enough (`| head`) is no fault; a command that has more to say notices it as it writes.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exit(EXIT.failed);
});

void runCommand(process.argv.slice(2), output).then((code) => {
  if (code !== undefined) process.exitCode = code;
});
