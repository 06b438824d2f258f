/** Where a command writes, line by line. */
export interface Output {
  out(line: string): void;
  error(line: string): void;
}

/** One command of `nestor`. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** How it is called, its options, and examples that work. */
  readonly help: string;
  /**
   * @param args what follows the command's name
   * @returns the exit code, one of `EXIT`; undefined: the process goes on
   */
  run(args: readonly string[], output: Output): Promise<number | undefined>;
}

/** How a command ends, for whoever called it. */
export const EXIT = {
  done: 0,
  failed: 1,
  /** An argument, an option or an input is wrong. */
  misused: 2,
  /** As a shell has it for SIGINT. */
  interrupted: 130,
} as const;

/** What the caller wrote wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
