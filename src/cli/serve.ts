import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ParseArgsConfig } from 'node:util';
import { Environment } from '../config/environment';
import { kebabCase, toEnvironment } from '../config/options';
import { readEnvironment, settings, useFlags } from '../config/settings';
import { variableNames } from '../config/variable';
import { readArguments } from './arguments';
import { type Command, type Output, UsageError } from './command';

const EXAMPLES = join(__dirname, '..', '..', 'models');

export const serve: Command = {
  summary: 'serve a folder of models, or one file',
  help: `Usage: nestor serve [folder or file.onnx] [--<setting> <value> ...]

Serves the models of a folder (MODEL_DIR, else ./models) over HTTP until it is stopped. Every setting of the
environment is an option, too, which wins over it: PORT is --port, MODEL_NAMES is --model-names, and a setting that
is true or false is --access-log or --no-access-log.

Examples:
  nestor serve
  nestor serve ../models --port 8080 --workers 2
  nestor serve model.onnx --no-cache-enabled

Exit codes: 0 stopped, 1 it could not start or had to end, 2 a setting, folder or file is wrong.`,

  async run(args, output) {
    useFlags(flagsOf(args, output));
    // What is wrong with them is the caller's mistake; what keeps a server from starting is none.
    settings();
    // The one entry of the server, which its workers start with as well.
    await import('../main.js');
    return undefined;
  },
};

/** @throws UsageError */
function flagsOf(args: readonly string[], output: Output): Readonly<Record<string, string | undefined>> {
  const { values, positionals } = readArguments(args, {
    options: settingOptions(),
    allowPositionals: true,
    allowNegative: true,
  });
  const [models, ...more] = positionals;
  if (more.length > 0) throw new UsageError('`nestor serve` takes one folder or one file.');
  const flags = toEnvironment(values, kebabCase);
  if (models !== undefined && !existsSync(models))
    throw new UsageError(`There is no file or folder ${models}.`);
  if (models !== undefined) return { ...flags, MODEL_DIR: resolve(models) };
  const isChosen = (flags.MODEL_DIR ?? readEnvironment().MODEL_DIR ?? '') !== '';
  if (isChosen || existsSync('models')) return flags;
  output.error('nestor: there is no folder "models" here; serving the examples that come with Nestor');
  return { ...flags, MODEL_DIR: EXAMPLES };
}

/** An option for each setting. */
function settingOptions(): NonNullable<ParseArgsConfig['options']> {
  const defaults = new Environment();
  return Object.fromEntries(
    variableNames(Environment).map((name) => {
      const isFlag = typeof defaults[name as keyof Environment] === 'boolean';
      return [kebabCase(name), { type: isFlag ? 'boolean' : 'string' }];
    }),
  );
}
