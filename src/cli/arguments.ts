import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearest } from '../common/nearest';
import { UsageError } from './command';

/**
 * What follows a command's name, by `util.parseArgs`.
 * @throws UsageError about an option that the command does not have, with the one that was probably meant
 */
export function readArguments<T extends ParseArgsConfig>(
  args: readonly string[],
  config: T,
): ReturnType<typeof parseArgs<T & { args: string[] }>> {
  try {
    return parseArgs({ ...config, args: [...args] });
  } catch (error) {
    const unknown = /^Unknown option '(-[^'\s=]*)/.exec((error as Error).message)?.[1];
    if (unknown === undefined) throw new UsageError((error as Error).message);
    const known = Object.keys(config.options ?? {}).map((name) => `--${name}`);
    throw new UsageError(
      `There is no option ${unknown.slice(0, 40)}${didYouMean(unknown, known)}; --help lists them.`,
    );
  }
}

/** ` (did you mean --port?)`, where something is near, or one is the beginning of the other: `--output` for `--out`. */
export function didYouMean(word: string, known: readonly string[]): string {
  const meant = nearest(word, known) ?? known.find((name) => name.startsWith(word) || word.startsWith(name));
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}
