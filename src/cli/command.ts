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
   * @returns the exit code: 0, 1 for what went wrong, 2 for what was asked wrongly; undefined: the process goes on
   */
  run(args: readonly string[], output: Output): Promise<number | undefined>;
}

/** What the caller wrote wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
