import { writeFile } from 'node:fs/promises';
import { DomainError } from '../errors/domain-error';
import { readArguments } from './arguments';
import { type Command, UsageError } from './command';
import { modelTypes, type TypedModel } from './model-types';

const DEFAULT_URL = 'http://localhost:8000/api';
const TIMEOUT_MS = 10_000;

/** TypeScript types of a running server's models, for `nestor-inference-client` and for `createNestor`. */
export const types: Command = {
  summary: "print TypeScript types of a server's models",
  help: `Usage: nestor types [url] [--out <file>] [--key <API key>]

Asks a running server (${DEFAULT_URL} unless another one is named; its path is API_PREFIX) for its models, and
prints an interface \`Models\` with the inputs and outputs of each.

Examples:
  nestor types > models.d.ts
  nestor types https://models.example/api --key "$NESTOR_KEY" --out src/models.d.ts`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, {
      allowPositionals: true,
      options: { out: { type: 'string' }, key: { type: 'string' } },
    });
    const [url = DEFAULT_URL, ...more] = positionals;
    if (more.length > 0 || !URL.canParse(url)) throw new UsageError('`nestor types` takes one URL.');
    const text = modelTypes(await modelsOf(url.replace(/\/+$/, ''), values.key), url);
    if (values.out === undefined) output.out(text.trimEnd());
    else await writeFile(values.out, text);
    return 0;
  },
};

/** @throws DomainError where there is no server, or another one */
async function modelsOf(url: string, key: string | undefined): Promise<readonly TypedModel[]> {
  const list = (await answerOf(`${url}/inference/models`, key)) as { models?: TypedModel[] } | undefined;
  if (!Array.isArray(list?.models))
    throw new DomainError('model_unavailable', `${url} answered with no list of models`);
  const models: TypedModel[] = [];
  // What is declared stands in the answer for each one; to ask for a model that is not loaded would load it.
  for (const model of list.models)
    models.push(
      model.inputs
        ? ((await answerOf(`${url}/inference/${encodeURIComponent(model.name)}`, key)) as TypedModel)
        : model,
    );
  return models;
}

async function answerOf(address: string, key: string | undefined): Promise<unknown> {
  const answer = await fetch(address, {
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: unknown) => {
    throw new DomainError('model_unavailable', `${address} does not answer: is the server running there?`, {
      cause: error,
    });
  });
  if (answer.ok) return answer.json().catch(() => undefined);
  throw new DomainError('model_unavailable', `${address} answered ${answer.status}`);
}
