import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explained, fileErrorReason, isInside, isThere, listFolder, statInside } from './safe-path';

let outside: string;
let root: string;

beforeEach(async () => {
  outside = await realpath(await mkdtemp(join(tmpdir(), 'nestor-paths-')));
  root = join(outside, 'models');
  await mkdir(join(root, 'iris'), { recursive: true });
  await writeFile(join(root, 'iris', 'a.onnx'), 'abc');
});

afterEach(() => rm(outside, { recursive: true, force: true }));

describe('isInside', () => {
  it.each([
    ['/models', '/models', true],
    ['/models', '/models/iris', true],
    ['/models', '/models-of-others', false],
    ['/models', '/', false],
    ['/', '/anything', true],
  ])('of %s and %s is %s', (folder, path, inside) => {
    expect(isInside(folder, path)).toBe(inside);
  });
});

describe('statInside', () => {
  it('tells what lies there, at the end of a link, too', async () => {
    await symlink('iris/a.onnx', join(root, 'link.onnx'));
    await symlink(join(root, 'iris'), join(root, 'folder'));
    expect((await statInside(root, join(root, 'link.onnx')))?.size).toBe(3);
    expect((await statInside(root, join(root, 'folder')))?.isDirectory()).toBe(true);
    expect((await statInside(root, root))?.isDirectory()).toBe(true);
  });

  it('knows nothing of what is not there, be it below a file', async () => {
    expect(await statInside(root, join(root, 'none'))).toBeUndefined();
    expect(await statInside(root, join(root, 'iris', 'a.onnx', 'deeper'))).toBeUndefined();
  });

  it.each([
    ['a file', async () => writeFile(join(outside, 'secret'), 'secret'), 'secret'],
    ['a folder whose name begins alike', async () => mkdir(join(outside, 'models-2')), 'models-2'],
    ['the folder above', () => Promise.resolve(), '.'],
  ])('refuses a link out of the folder, to %s', async (_, make, target) => {
    await make();
    await symlink(join(outside, target), join(root, 'link'));
    await expect(statInside(root, join(root, 'link'))).rejects.toMatchObject({
      code: 'model_unavailable',
      message: 'link is a symbolic link that leaves the model folder',
    });
  });

  it('refuses a path through a folder that is a link out', async () => {
    await mkdir(join(outside, 'others'));
    await writeFile(join(outside, 'others', 'a.onnx'), 'abc');
    await symlink(join(outside, 'others'), join(root, 'link'));
    await expect(statInside(root, join(root, 'link', 'a.onnx'))).rejects.toThrow(/leaves the model folder/);
  });

  it.each([
    ['a link to nothing', 'nowhere', 'there is nothing'],
    ['links in a circle', 'link', 'its symbolic links run in a circle'],
  ])('says what is wrong with %s, and not where the folder lies', async (_, target, reason) => {
    await symlink(target, join(root, 'link'));
    expect(await isThere(join(root, 'link'))).toBe(true);
    const refused = expect(statInside(root, join(root, 'link'))).rejects;
    await refused.toMatchObject({ message: `link cannot be read: ${reason}` });
  });
});

describe('listFolder', () => {
  it('lists by name, without what begins with a dot', async () => {
    for (const name of ['b', '.hidden', '10', 'B', '2']) await writeFile(join(root, name), '');
    await mkdir(join(root, '..data'));
    const names = (await listFolder(root, root)).map(({ name }) => name);
    expect(names).toEqual(['10', '2', 'B', 'b', 'iris']);
  });

  it('says that a folder cannot be read by its name in the model folder', async () => {
    await expect(listFolder(root, join(root, 'none'))).rejects.toThrow(
      /^none cannot be read: there is nothing$/,
    );
    const gone = join(outside, 'gone');
    await expect(listFolder(gone, gone)).rejects.toThrow(
      /^the model folder cannot be read: there is nothing$/,
    );
  });

  const unlessRoot = process.getuid?.() === 0 ? it.skip : it;
  unlessRoot('says so when it may not', async () => {
    await chmod(join(root, 'iris'), 0);
    await expect(listFolder(root, join(root, 'iris'))).rejects.toThrow(/permission denied/);
    await chmod(join(root, 'iris'), 0o700);
  });
});

describe('the reason of a file system error', () => {
  it('is a word for people, or else its code, and never its message with the path', async () => {
    const failed = (code?: string): unknown => Object.assign(new Error(`no ${root}`), { code });
    expect(
      ['EACCES', 'EPERM', 'ENOTDIR', 'EMFILE', undefined].map((code) => fileErrorReason(failed(code))),
    ).toEqual(['permission denied', 'permission denied', 'there is nothing', 'EMFILE', 'unknown error']);
    const passedOn = explained(root, join(root, 'iris'), Promise.reject(failed('EIO') as Error));
    await expect(passedOn).rejects.toMatchObject({
      message: 'iris cannot be read: EIO',
      cause: failed('EIO'),
    });
  });
});
