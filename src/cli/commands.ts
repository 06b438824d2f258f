import { ConfigurationError } from '../config/configuration-error';
import { packageVersion } from '../config/package-version';
import { DomainError, ERRORS, reasonOf } from '../errors/domain-error';
import { didYouMean } from './arguments';
import { type Command, EXIT, type Output, UsageError } from './command';

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.js')).serve,
  check: async () => (await import('./check.js')).check,
  run: async () => (await import('./run/run.js')).run,
  inspect: async () => (await import('./inspect.js')).inspect,
  bench: async () => (await import('./bench.js')).bench,
  types: async () => (await import('./types.js')).types,
  keys: async () => (await import('./keys.js')).keys,
  pull: async () => (await import('./pull.js')).pull,
  optimize: async () => (await import('./optimize.js')).optimize,
  prune: async () => (await import('./prune.js')).prune,
};

/**
 * Runs a command line, and says what went wrong.
 * @param args the command's name and what follows it
 * @returns the exit code, one of `EXIT`; undefined: the process goes on
 */
export async function runCommand(args: readonly string[], output: Output): Promise<number | undefined> {
  return dispatch(args, output).catch((error: unknown) => failed(error, output));
}

async function dispatch(
  [name = '', ...args]: readonly string[],
  output: Output,
): Promise<number | undefined> {
  if (name === '' || name === 'help' || name === '--help' || name === '-h') {
    const known = COMMANDS[args[0] ?? ''];
    output.out(known === undefined ? await overview() : (await known()).help);
    return name === '' ? 2 : 0;
  }
  if (name === '--version' || name === '-v') {
    output.out(packageVersion);
    return 0;
  }
  const load = COMMANDS[name];
  if (load === undefined) {
    const meant = didYouMean(name, Object.keys(COMMANDS));
    throw new UsageError(`There is no command ${name.slice(0, 40)}${meant}; \`nestor --help\` lists them.`);
  }
  const command = await load();
  if (args.includes('--help') || args.includes('-h')) {
    output.out(command.help);
    return 0;
  }
  return command.run(args, output);
}

async function overview(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => `  ${name.padEnd(9)} ${(await load()).summary}`),
  );
  return [
    `Nestor ${packageVersion}: an inference server for ONNX models`,
    '',
    'Usage: nestor <command> [arguments]',
    '',
    ...lines,
    '',
    'nestor <command> --help tells more, with examples.',
  ].join('\n');
}

/** A mistake of the caller's shows as one line, without a stack that would only hide it. */
function failed(error: unknown, output: Output): number {
  const wrongPath = wrongPathOf(error);
  output.error(
    error instanceof ConfigurationError ? error.message : `nestor: ${wrongPath ?? reasonOf(error)}`,
  );
  const isMisuse =
    error instanceof UsageError ||
    error instanceof ConfigurationError ||
    wrongPath !== undefined ||
    (error instanceof DomainError && ERRORS[error.code].outcome === 'client_error');
  return isMisuse ? EXIT.misused : EXIT.failed;
}

/** A file or folder that is not there, or is the other of the two: a command opens none but those that its caller named. */
function wrongPathOf(error: unknown): string | undefined {
  const { code, path = '' } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return `There is no file or folder ${path}.`;
  return code === 'EISDIR' ? `A file is wanted, and ${path || 'what was given'} is a folder.` : undefined;
}
