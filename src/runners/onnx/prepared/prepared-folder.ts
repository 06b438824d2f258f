import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, mkdir, readdir, rm, stat, statfs, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfFile } from '../../../common/file-digest';
import { type FileStamp, isUnchanged, stampOf } from '../../../common/file-stamp';
import { MANIFEST_FILE, type ManifestFile, readManifest } from './manifest';
import { DATA_FILE, MODEL_FILE, type Prepared } from './prepared';

/** Nothing else in the folder is looked at, and nothing else is ever removed. */
const KEY = /^[0-9a-f]{64}$/;
const PARTIAL = /^[0-9a-f]{64}\.[0-9a-f]{16}\.partial$/;
/** A partial folder that nobody has written to for so long was left by a process that died. */
const ABANDONED_MS = 3_600_000;
const OTHERS_MAY_WRITE = 0o022;
const OWN = 0o700;
/** What a prepared form takes of its model's size, at most. */
const PREPARED_SHARE = 2;
/** What has to be free while one is made. */
const FREE_SHARE = 2.5;

/** Somebody else could have put it there. */
export class NotOurs extends Error {}

/**
 * The folder of prepared models, one folder for each key; several servers may share it. Nothing in it is changed in
 * place: a folder comes by a rename and goes whole.
 */
export class PreparedFolder {
  /** What was verified, by key: for as long as the files' stamp stays what it was. */
  private readonly verified = new Map<string, Prepared>();

  constructor(
    private readonly dir: string,
    private readonly maxBytes: number,
  ) {}

  pathOf(key: string): string {
    return join(this.dir, key);
  }

  /**
   * The prepared form of that key, if it is there and whole; whoever looks uses it.
   * @throws NotOurs; others when it is damaged
   */
  async find(key: string): Promise<Prepared | undefined> {
    const folder = this.pathOf(key);
    const stats = await lstat(folder).catch(absent);
    if (stats === undefined) return undefined;
    expectOurs(stats, stats.isDirectory());
    const paths = [join(folder, MODEL_FILE), join(folder, DATA_FILE)];
    for (const path of [...paths, join(folder, MANIFEST_FILE)]) {
      const file = await lstat(path);
      expectOurs(file, file.isFile());
    }
    const stamp = await stampOf(paths);
    const known = this.verified.get(key);
    const prepared = known?.stamp.text === stamp.text ? known : await this.verify(key, folder, stamp, paths);
    this.verified.set(key, prepared);
    // For those that look for what nobody uses. A folder that may not be written is as good.
    await utimes(folder, new Date(), new Date()).catch(() => undefined);
    return prepared;
  }

  private async verify(key: string, folder: string, stamp: FileStamp, paths: string[]): Promise<Prepared> {
    const { model, data, proof } = await readManifest(join(folder, MANIFEST_FILE));
    await Promise.all([model, data].map((file, i) => expectContent(paths[i]!, file)));
    if (!(await isUnchanged(stamp))) throw new Error('its files change');
    return { key, folder, stamp, proof, ownBytes: model.bytes, sharedBytes: data.bytes };
  }

  /**
   * Makes an empty folder to prepare a model in, and room for it.
   * @param inUse keys that are not to make room
   * @throws when there is no room, or nothing can be written
   */
  async begin(key: string, sizeBytes: number, inUse: ReadonlySet<string>): Promise<string> {
    await mkdir(this.dir, { recursive: true, mode: OWN });
    if (!(await this.makeRoom(sizeBytes * PREPARED_SHARE, inUse))) {
      throw new Error('there is no room for its prepared form (PREPARED_MAX_BYTES)');
    }
    const { bavail, bsize } = await statfs(this.dir);
    if (bavail * bsize < sizeBytes * FREE_SHARE) {
      throw new Error('the disk of PREPARED_DIR has not enough space for its prepared form');
    }
    const partial = `${this.pathOf(key)}.${randomBytes(8).toString('hex')}.partial`;
    await mkdir(partial, { mode: OWN });
    return partial;
  }

  /** Whole or in part; a folder without its manifest is none that anybody uses. */
  async remove(folder: string): Promise<void> {
    await unlink(join(folder, MANIFEST_FILE)).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  }

  /** Removes a prepared form that is not what it should be; those who have it open keep what they have. */
  async removeKey(key: string): Promise<void> {
    this.verified.delete(key);
    await this.remove(this.pathOf(key));
  }

  /** Lets those go that were used least recently. @returns false when that is not enough */
  private async makeRoom(bytes: number, inUse: ReadonlySet<string>): Promise<boolean> {
    const all = await this.look();
    let sum = bytes + all.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
    const mayGo = all.filter(({ name }) => KEY.test(name) && !inUse.has(name));
    for (const { name, sizeBytes } of mayGo.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (sum <= this.maxBytes) break;
      await this.removeKey(name);
      sum -= sizeBytes;
    }
    return sum <= this.maxBytes;
  }

  /** What is there; what was left half made long ago goes. */
  private async look(): Promise<{ name: string; sizeBytes: number; usedAtMs: number }[]> {
    const found: { name: string; sizeBytes: number; usedAtMs: number }[] = [];
    for (const name of await readdir(this.dir)) {
      if (!KEY.test(name) && !PARTIAL.test(name)) continue;
      const folder = join(this.dir, name);
      const stats = await stat(folder).catch(absent);
      if (stats === undefined) continue;
      const isAbandoned = PARTIAL.test(name) && Date.now() - stats.mtimeMs > ABANDONED_MS;
      if (isAbandoned) await this.remove(folder).catch(() => undefined);
      else found.push({ name, sizeBytes: await sizeOf(folder), usedAtMs: stats.mtimeMs });
    }
    return found;
  }
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(names.map((name) => lstat(join(folder, name)).catch(absent)));
  return sizes.reduce((sum, stats) => sum + (stats?.size ?? 0), 0);
}

/** Whoever can write a prepared model decides answers. What root owns is as good as one's own. */
function expectOurs({ uid, mode }: Stats, isOfKind: boolean): void {
  const own = uid === 0 || uid === process.geteuid?.();
  if (!isOfKind || !own || (mode & OTHERS_MAY_WRITE) !== 0) {
    throw new NotOurs('its prepared form is not this user’s alone to write');
  }
}

async function expectContent(path: string, { bytes, sha256 }: ManifestFile): Promise<void> {
  const { size } = await stat(path);
  if (size !== bytes || (await sha256OfFile(path)) !== sha256) throw new Error('its content is another');
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
