import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { decodeText } from '../../common/media-type';
import { UsageError } from '../command';
import type { Inputs, TargetModel } from './target';

/**
 * One input as the command line has it: JSON, a file, a text, or `-`.
 * @throws UsageError for what is none of them, or not what the model takes
 */
export async function givenInputs(given: string, model: TargetModel): Promise<Inputs> {
  if (given === '-') return inputsIn(await standardInput(), model, 'standard input');
  if (given.trimStart().startsWith('{')) return object(given);
  if (existsSync(given)) {
    const bytes = await readFile(given);
    return extname(given).toLowerCase() === '.json'
      ? object(textOf(bytes, given))
      : inputsIn(bytes, model, given);
  }
  const declared = onlyDeclared(model);
  if (declared?.type === 'text') return { [declared.name]: given };
  throw new UsageError(`There is no file ${given}, and it is no JSON object.`);
}

/** Bytes that name no kind: JSON where they begin like an object, else what the model's only declared input takes. */
function inputsIn(bytes: Buffer, model: TargetModel, from: string): Inputs {
  if (/^\s*\{/.test(bytes.toString('latin1', 0, 64))) return object(textOf(bytes, from));
  const declared = onlyDeclared(model);
  switch (declared?.type) {
    case 'text':
      return { [declared.name]: textOf(bytes, from) };
    case 'image':
    case 'table':
      return { [declared.name]: bytes };
    default:
      throw new UsageError(
        `The input in ${from} is not JSON, and model "${model.name}" declares no picture, text or table.`,
      );
  }
}

function textOf(bytes: Buffer, from: string): string {
  return decodeText(bytes, undefined, (what) => new UsageError(`The input in ${from}: ${what}.`));
}

function onlyDeclared({
  pipeline,
}: TargetModel): { readonly name: string; readonly type: string } | undefined {
  const [[name = '', declared] = [], ...others] = Object.entries(pipeline?.input ?? {});
  return declared === undefined || others.length > 0 ? undefined : { name, type: declared.type };
}

function object(text: string): Inputs {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`The input is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError('The input must be a JSON object with an entry for each input of the model.');
  return value as Inputs;
}

async function standardInput(): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of process.stdin) parts.push(chunk as Buffer);
  return Buffer.concat(parts);
}
