import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { idOf } from '../access/credentials/api-key';
import { keys } from './keys';

describe('the keys command', () => {
  let folder: string;
  let file: string;
  const out: string[] = [];
  const error: string[] = [];

  const run = (...args: string[]): Promise<number | undefined> => {
    out.length = 0;
    error.length = 0;
    const output = { out: (line: string) => out.push(line), error: (line: string) => error.push(line) };
    return keys.run([...args, '--file', file], output);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nestor-keys-'));
    file = join(folder, 'keys.yaml');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes a key in a file of its own, shows it once, and keeps its digest alone', async () => {
    expect(await run('make', 'ci', '--scopes', 'infer, models:read', '--expires', '2099-01-31')).toBe(0);
    const [key = ''] = out;
    expect(idOf(key)).toBeDefined();
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain(key.slice(12));
    expect(text).toMatch(/scopes: \[ ?infer, models:read ?\]/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await run('list')).toBe(0);
    expect(out).toEqual([`ci\tkey ${idOf(key)}\tinfer,models:read\texpires 2099-01-31T00:00:00.000Z`]);
  });

  it('leaves what else stands in the file, comments and rights included', async () => {
    const before = `# who may call
keys:
  # the gateway in front
  - name: gateway
    certificate: gateway.internal # its SAN
    scopes: [ infer ]
`;
    writeFileSync(file, before, { mode: 0o640 });
    expect(await run('make', 'ci', '--scopes', 'admin')).toBe(0);
    const id = idOf(out[0] ?? '') ?? '';
    expect(readFileSync(file, 'utf8').startsWith(before.trimEnd())).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(await run('revoke', id)).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(await run('revoke', 'gateway')).toBe(0);
    expect(await run('make', 'later', '--scopes', 'infer')).toBe(0);
    expect(await run('list')).toBe(0);
    expect(out).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(['keys.yaml']);
  });

  it.each([
    [['make', 'a b', '--scopes', 'infer'], 1, /name: must be/],
    [['make', 'ci', '--scopes', 'everything'], 1, /scopes: 1: must be one of/],
    [['make', 'ci', '--scopes', 'infer', '--expires', 'soon'], 1, /expires: must be/],
    [['make', 'ci'], 2, /--scopes/],
    [['make'], 2, /Usage/],
    [['list', 'ci'], 2, /Usage/],
    [['remove', 'ci'], 2, /no "remove"/],
  ])('refuses %j, and writes nothing', async (args, code, reason) => {
    expect(await run(...args)).toBe(code);
    expect(error.join('\n')).toMatch(reason);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('changes nothing in a file that it does not understand, and never makes a second key of a name', async () => {
    writeFileSync(file, 'keys: [{ name: x }]\n');
    for (const args of [['make', 'ci', '--scopes', 'infer'], ['revoke', 'x'], ['list']]) {
      expect(await run(...args)).toBe(1);
      expect(error.join()).toMatch(/keys: 1: /);
    }
    rmSync(file);
    await run('make', 'ci', '--scopes', 'infer');
    expect(await run('make', 'ci', '--scopes', 'infer')).toBe(1);
    expect(error.join()).toMatch(/the name ci is in more than one entry/);
  });
});
