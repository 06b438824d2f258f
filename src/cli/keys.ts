import { randomBytes } from 'node:crypto';
import { chmod, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { readKeyFile } from '../access/credentials/key-file';
import { KeyFileFault, withKey, withoutKey } from '../access/credentials/key-file-edits';
import { readEnvironment } from '../config/settings';
import { readArguments } from './arguments';
import type { Command, Output } from './command';

const USAGE = `Usage:
  nestor keys make <name> --scopes infer,models:read [--expires 2027-01-31]
  nestor keys list
  nestor keys revoke <name or id>

Options:
  --file <path>   the keys file; else AUTH_KEYS_FILE
  --scopes <...>  infer, infer:<model or glob>, models:read, models:write, cache:write, metrics:read, admin
  --expires <...> a day, or a time such as 2027-01-31T12:00:00Z; left out: never`;

const FOR_OWNER_ALONE = 0o600;

export const keys: Command = {
  summary: 'make, list and revoke API keys',
  help: USAGE,
  run: keysCommand,
};

/**
 * Makes, lists and revokes API keys in a keys file, which a running server reads anew within seconds.
 * @returns the exit code: 0, 1 for what went wrong, 2 for what was asked wrongly
 */
async function keysCommand(args: readonly string[], output: Output): Promise<number> {
  try {
    const { values, positionals } = readArguments(args, {
      allowPositionals: true,
      options: { file: { type: 'string' }, scopes: { type: 'string' }, expires: { type: 'string' } },
    });
    const [action = '', subject = '', ...more] = positionals;
    const file = values.file ?? readEnvironment().AUTH_KEYS_FILE ?? '';
    if (more.length > 0 || (action !== 'list') === (subject === ''))
      return misused(output, 'What is to be done?');
    if (file === '') return misused(output, 'Which file? Give --file, or set AUTH_KEYS_FILE.');
    switch (action) {
      case 'make':
        if (values.scopes === undefined) return misused(output, 'What may it do? Give --scopes.');
        return await make(file, subject, values.scopes.split(','), values.expires, output);
      case 'list':
        return list(await textOf(file), output);
      case 'revoke':
        return await revoke(file, subject, output);
      default:
        return misused(output, `There is no "${action.slice(0, 40)}".`);
    }
  } catch (error) {
    if (!(error instanceof KeyFileFault)) throw error;
    for (const fault of error.faults) output.error(fault);
    return 1;
  }
}

function misused(output: Output, what: string): number {
  output.error(`${what}\n\n${USAGE}`);
  return 2;
}

async function make(
  file: string,
  name: string,
  scopes: readonly string[],
  expires: string | undefined,
  output: Output,
): Promise<number> {
  const made = withKey(await textOf(file, ''), {
    name,
    scopes: scopes.map((scope) => scope.trim()),
    expires,
  });
  await replace(file, made.text);
  output.error(`Made key ${made.id} of ${name} in ${file}. It is shown this once:`);
  output.out(made.key);
  return 0;
}

function list(text: string, output: Output): number {
  const faults: string[] = [];
  const entries = readKeyFile(text, faults);
  if (faults.length > 0) throw new KeyFileFault(faults);
  for (const { name, proof, scopes, expiresAtMs } of entries) {
    const what = proof.kind === 'key' ? `key ${proof.id}` : `certificate ${proof.subject}`;
    const end = expiresAtMs === undefined ? 'never expires' : endOf(expiresAtMs);
    output.out([name, what, scopes.join(','), end].join('\t'));
  }
  return 0;
}

function endOf(expiresAtMs: number): string {
  return `${expiresAtMs <= Date.now() ? 'expired' : 'expires'} ${new Date(expiresAtMs).toISOString()}`;
}

async function revoke(file: string, nameOrId: string, output: Output): Promise<number> {
  const text = withoutKey(await textOf(file), nameOrId);
  if (text === undefined) {
    output.error(`${file} has no key with the name or id ${nameOrId}.`);
    return 1;
  }
  await replace(file, text);
  output.error(`Revoked ${nameOrId} in ${file}.`);
  return 0;
}

/** @param absent the text of a file that is not there; left out: it must be */
async function textOf(file: string, absent?: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (absent !== undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return absent;
    throw error;
  }
}

/** In one step: a server that reads meanwhile finds the old file or the new one. */
async function replace(file: string, text: string): Promise<void> {
  const beside = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  const mode = await stat(file).then(
    ({ mode }) => mode & 0o777,
    () => FOR_OWNER_ALONE,
  );
  try {
    await writeFile(beside, text, { mode, flag: 'wx' });
    await chmod(beside, mode);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
