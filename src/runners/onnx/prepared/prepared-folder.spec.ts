import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PreparedFolder } from './prepared-folder';

const KEYS = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];
const [KEY] = KEYS;
const PROOF = { probe: { style: 'narrow', size: 1 }, answer: 'f'.repeat(64) };

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'nestor-prepared-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A folder such as the child leaves, of as many bytes of weights. */
function put(key: string, bytes = 1000): string {
  const folder = join(dir, key);
  mkdirSync(folder, { mode: 0o700 });
  const files = { model: 'the graph', data: 'w'.repeat(bytes) };
  writeFileSync(join(folder, 'model.onnx'), files.model);
  writeFileSync(join(folder, 'model.onnx.data'), files.data);
  const told = (text: string): object => ({
    bytes: text.length,
    sha256: createHash('sha256').update(text).digest('hex'),
  });
  const manifest = { label: 'm/1', model: told(files.model), data: told(files.data), proof: PROOF };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}

const folderOf = (maxBytes = 10_000): PreparedFolder => new PreparedFolder(dir, maxBytes);
const none: ReadonlySet<string> = new Set();

describe('PreparedFolder', () => {
  it('finds what is whole, and says what it takes', async () => {
    const folder = put(KEY);
    expect(await folderOf().find(KEY)).toMatchObject({
      key: KEY,
      folder,
      proof: PROOF,
      ownBytes: 9,
      sharedBytes: 1000,
    });
    expect(await folderOf().find('d'.repeat(64))).toBeUndefined();
  });

  const damages: [string, (folder: string) => void][] = [
    [
      'weights with a byte changed',
      (folder) => writeFileSync(join(folder, 'model.onnx.data'), 'v' + 'w'.repeat(999)),
    ],
    ['weights that are cut off', (folder) => truncateSync(join(folder, 'model.onnx.data'), 999)],
    ['weights that are gone', (folder) => rmSync(join(folder, 'model.onnx.data'))],
    ['a graph with a byte changed', (folder) => writeFileSync(join(folder, 'model.onnx'), 'the grapf')],
    ['no manifest', (folder) => rmSync(join(folder, 'manifest.json'))],
    ['half a manifest', (folder) => truncateSync(join(folder, 'manifest.json'), 40)],
    [
      'a manifest of something else',
      (folder) => writeFileSync(join(folder, 'manifest.json'), '{"proof":{}}'),
    ],
    ['a manifest that is null', (folder) => writeFileSync(join(folder, 'manifest.json'), 'null')],
    [
      'a folder in place of its weights',
      (folder) => {
        rmSync(join(folder, 'model.onnx.data'));
        mkdirSync(join(folder, 'model.onnx.data'));
      },
    ],
    [
      'weights behind a link',
      (folder) => {
        renameSync(join(folder, 'model.onnx.data'), join(dir, 'elsewhere'));
        symlinkSync(join(dir, 'elsewhere'), join(folder, 'model.onnx.data'));
      },
    ],
  ];
  it.each(damages)('does not use %s', async (_, damage) => {
    damage(put(KEY));
    await expect(folderOf().find(KEY)).rejects.toThrow();
  });

  it('sees damage that came after it had looked', async () => {
    const folder = put(KEY);
    const prepared = folderOf();
    await prepared.find(KEY);
    writeFileSync(join(folder, 'model.onnx.data'), 'v' + 'w'.repeat(999));
    await expect(prepared.find(KEY)).rejects.toThrow('its content is another');
  });

  it('reads weights once for as long as nobody touches them', async () => {
    const folder = put(KEY);
    const prepared = folderOf();
    const first = await prepared.find(KEY);
    expect(await prepared.find(KEY)).toBe(first);
    utimesSync(join(folder, 'model.onnx.data'), new Date(), new Date());
    expect(await prepared.find(KEY)).not.toBe(first);
  });

  it.each(['', 'model.onnx', 'model.onnx.data', 'manifest.json'])(
    'does not use what others may write (%s)',
    async (name) => {
      const folder = put(KEY);
      chmodSync(join(folder, name), 0o722);
      await expect(folderOf().find(KEY)).rejects.toThrow(/not this user.s alone/);
    },
  );

  const asRoot = process.geteuid?.() === 0 ? it : it.skip;
  asRoot.each(['', 'model.onnx.data', 'manifest.json'])(
    'does not use what another owns (%s)',
    async (name) => {
      chownSync(join(put(KEY), name), 12_345, 12_345);
      await expect(folderOf().find(KEY)).rejects.toThrow(/not this user.s alone/);
    },
  );

  it('lets those go that were used least recently, and none that is in use', async () => {
    KEYS.forEach((key, age) => {
      const usedAt = new Date(Date.now() - (10 - age) * 1000);
      utimesSync(put(key), usedAt, usedAt);
    });
    const prepared = folderOf(5000);
    await prepared.find(KEYS[1]);
    await prepared.begin('d'.repeat(64), 1000, new Set([KEYS[0]]));
    expect(readdirSync(dir).filter((name) => KEYS.includes(name))).toEqual([KEYS[0], KEYS[1]]);
  });

  it('makes no room by force: what is in use stays, and nothing is begun', async () => {
    put(KEY);
    await expect(folderOf(2000).begin(KEYS[1], 1000, new Set([KEY]))).rejects.toThrow(/PREPARED_MAX_BYTES/);
    expect(readdirSync(dir)).toEqual([KEY]);
  });

  it('begins nothing where the disk has no space for it', async () => {
    await expect(folderOf(1e18).begin(KEY, 1e16, none)).rejects.toThrow(/has not enough space/);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('begins nothing where no folder can be made', async () => {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    await expect(new PreparedFolder(join(file, 'prepared'), 1e6).begin(KEY, 1, none)).rejects.toThrow(
      'ENOTDIR',
    );
  });

  it('removes what was left half made long ago, and nothing that is not its own', async () => {
    const [old, young] = ['0'.repeat(16), '1'.repeat(16)].map((name) => join(dir, `${KEY}.${name}.partial`));
    for (const partial of [old, young]) mkdirSync(partial!);
    writeFileSync(join(old!, 'model.onnx.data'), 'half');
    utimesSync(old!, 0, 0);
    const others = ['notes', `${KEY}.partial`, 'x'.repeat(64)];
    for (const name of others) mkdirSync(join(dir, name));
    for (const name of others) utimesSync(join(dir, name), 0, 0);
    await folderOf(1).begin(KEY, 0, none);
    expect(existsSync(old!)).toBe(false);
    expect(existsSync(young!)).toBe(true);
    expect(readdirSync(dir)).toEqual(expect.arrayContaining(others));
  });

  it('keeps to its user what it makes', async () => {
    const partial = await new PreparedFolder(join(dir, 'new'), 1e6).begin(KEY, 1, none);
    for (const made of [join(dir, 'new'), partial]) expect(statSync(made).mode & 0o777).toBe(0o700);
  });
});
