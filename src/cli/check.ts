import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readEnvironment } from '../config/settings';
import type { ModelDescription } from '../protocols/native/model-description';
import { readArguments } from './arguments';
import { type Command, UsageError } from './command';

export const check: Command = {
  summary: 'load every model of a folder once, and say what is wrong: for CI',
  help: `Usage: nestor check [folder or file.onnx] [--json]

Reads the settings, loads every model of the folder (MODEL_DIR, else ./models) as a server would, with its model.yaml
and its golden cases, and says how each of them is. Exit code 0: all would serve; 1: something would not.

Examples:
  nestor check
  nestor check ../models --json`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, {
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const [models, ...more] = positionals;
    if (more.length > 0) throw new UsageError('`nestor check` takes one folder or one file.');
    const dir = resolve(models ?? (readEnvironment().MODEL_DIR || 'models'));
    if (!existsSync(dir)) throw new UsageError(`There is no file or folder ${dir}.`);
    const { openModels } = await import('./open-models.js');
    const nestor = await openModels(dir);
    try {
      const models = await nestor.models();
      const faulty = models.filter(({ state }) => state !== 'READY');
      if (values.json) output.out(JSON.stringify({ ok: models.length > 0 && faulty.length === 0, models }));
      else for (const model of models) output.out(lineOf(model));
      if (models.length === 0) output.error(`nestor: there is no model in ${dir}`);
      return models.length > 0 && faulty.length === 0 ? 0 : 1;
    } finally {
      await nestor.close();
    }
  },
};

function lineOf({ name, version, state, reason, hint }: ModelDescription): string {
  const serves = state === 'READY';
  const line = `${serves ? 'ok  ' : 'FAIL'} ${name}${version === undefined ? '' : ` ${version}`}`;
  if (serves) return line;
  return `${line}: ${reason ?? state}${hint === undefined ? '' : `\n     What to do: ${hint}`}`;
}
