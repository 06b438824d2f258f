import { createHash, randomUUID } from 'node:crypto';
import {
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  statfs,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isModelName } from '../model-name';
import { type SourceFile, SourceFault, type SourceModel } from './source';
import { transfer } from './transfer';

/** Passed over by the model folder, as its name begins with a dot. */
const PLACE = '.pulled';
const MANIFEST = '.files.json';
const LOCK_STALE_MS = 30_000;
const LOCK_TOUCH_MS = 5_000;
const ABANDONED_MS = 24 * 3_600_000;
const FETCHES_AT_ONCE = 4;

export interface PullOptions {
  readonly signal: AbortSignal;
  /** Bytes that everything pulled may take together. */
  readonly maxBytes: number;
  onBytes?(bytes: number): void;
}

export interface Pulled {
  readonly model: string;
  /** Did the folder get anything that it did not have? */
  readonly changed: boolean;
  readonly files: number;
  readonly sizeBytes: number;
}

/** A file's path in its model to its identity and size. */
type Manifest = Record<string, readonly [identity: string, sizeBytes: number]>;

/**
 * Models that were pulled into a model folder. Each content of a model lies under `.pulled/<digest>/`, and `<name>` is a
 * link to it, which changes at one stroke and only once all of it is there, whole and on disk; what is under way is never
 * seen. A content that no link leads to is removed.
 */
export class PulledModels {
  private readonly place: string;

  constructor(private readonly dir: string) {
    this.place = join(dir, PLACE);
  }

  /** Does work while no other process works on the same folder, be it on another machine. */
  async alone<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await mkdir(this.place, { recursive: true });
    const lock = join(this.place, 'lock');
    while (!(await tookLock(lock))) await wait(500, undefined, { signal });
    const touching = setInterval(
      () => void utimes(lock, new Date(), new Date()).catch(() => {}),
      LOCK_TOUCH_MS,
    );
    try {
      await this.removeAbandoned();
      return await work();
    } finally {
      clearInterval(touching);
      await rm(lock, { force: true });
    }
  }

  /**
   * Brings a model to what its source has.
   * @throws SourceFault, and what was there stays
   */
  async pull(model: SourceModel, options: PullOptions): Promise<Pulled> {
    const { name, files } = model;
    if (!isModelName(name))
      throw new SourceFault(`${JSON.stringify(name.slice(0, 100))} is no name that a model can have`);
    const target = join(this.dir, name);
    const before = await linkedDigest(target, name);
    const digest = digestOf(files);
    if (before === digest) {
      const sizeBytes = sumOf(await this.manifest(digest));
      return { model: name, changed: false, files: files.length, sizeBytes };
    }
    const manifest = await this.fetchAll(digest, files, options);
    await switchLink(target, join(PLACE, digest));
    await this.removeUnlinked();
    return { model: name, changed: true, files: files.length, sizeBytes: sumOf(manifest) };
  }

  private async fetchAll(
    digest: string,
    files: readonly SourceFile[],
    options: PullOptions,
  ): Promise<Manifest> {
    const place = join(this.place, digest);
    const there = await this.manifest(digest);
    if (Object.keys(there).length > 0) return there;
    const incoming = join(this.place, `incoming-${digest}`);
    const known = await this.known();
    const manifest: Manifest = {};
    let room = options.maxBytes - (await this.sizeBytes());
    const wanted = files.filter(({ identity }) => !known.has(identity));
    const wantedBytes = wanted.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
    await this.checkRoom(wantedBytes, room);
    const waiting = [...files];
    const line = async (): Promise<void> => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        const path = join(incoming, file.path);
        await mkdir(dirname(path), { recursive: true });
        const same = known.get(file.identity);
        if (same !== undefined) await linkAnew(same, path);
        const maxBytes = Math.max(room, 0);
        const sizeBytes =
          same === undefined ? await transfer(file, path, { ...options, maxBytes }) : (await stat(path)).size;
        if (same === undefined) room -= sizeBytes;
        manifest[file.path] = [file.identity, sizeBytes];
      }
    };
    const lines = Array.from({ length: FETCHES_AT_ONCE }, () =>
      line().finally(() => {
        // Where one has failed there is nothing to begin any more.
        waiting.length = 0;
      }),
    );
    // None may go on when this ends: somebody else may take up the same files.
    for (const end of await Promise.allSettled(lines))
      if (end.status === 'rejected') throw end.reason as Error;
    await writeFile(join(incoming, MANIFEST), JSON.stringify(manifest));
    await syncFolder(incoming);
    await rename(incoming, place);
    await syncFolder(this.place);
    return manifest;
  }

  private async checkRoom(wantedBytes: number, room: number): Promise<void> {
    if (wantedBytes > room) {
      throw new SourceFault(
        `is ${wantedBytes} bytes that are not there yet, of which ${Math.max(room, 0)} are left (--max-bytes, MODEL_SOURCES_MAX_BYTES)`,
      );
    }
    const { bavail, bsize } = await statfs(this.place);
    if (wantedBytes > bavail * bsize) {
      throw new SourceFault(`is ${wantedBytes} bytes, and the disk has room for ${bavail * bsize}`);
    }
  }

  /** Files that are there, whole, by their identity. */
  private async known(): Promise<Map<string, string>> {
    const known = new Map<string, string>();
    for (const digest of await this.digests()) {
      for (const [path, [identity]] of Object.entries(await this.manifest(digest))) {
        known.set(identity, join(this.place, digest, path));
      }
    }
    return known;
  }

  private async sizeBytes(): Promise<number> {
    // The same file in two contents is one on disk.
    const sizes = new Map<string, number>();
    for (const digest of await this.digests()) {
      for (const [identity, size] of Object.values(await this.manifest(digest))) sizes.set(identity, size);
    }
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  private async removeUnlinked(): Promise<void> {
    const linked = new Set<string>();
    for (const entry of await readdir(this.dir, { withFileTypes: true })) {
      if (!entry.isSymbolicLink()) continue;
      linked.add((await readlink(join(this.dir, entry.name))).slice(PLACE.length + 1));
    }
    for (const digest of await this.digests()) {
      if (!linked.has(digest)) await rm(join(this.place, digest), { recursive: true, force: true });
    }
  }

  /** What was begun and never ended: its source went, or has another content by now. */
  private async removeAbandoned(): Promise<void> {
    for (const name of await readdir(this.place)) {
      if (!name.startsWith('incoming-')) continue;
      const path = join(this.place, name);
      const stats = await stat(path).catch(() => undefined);
      if (stats !== undefined && Date.now() - stats.mtimeMs > ABANDONED_MS)
        await rm(path, { recursive: true, force: true });
    }
    // A link that was made and not yet renamed; nobody else makes any while this one has the lock.
    for (const entry of await readdir(this.dir, { withFileTypes: true })) {
      const path = join(this.dir, entry.name);
      if (!entry.isSymbolicLink() || !HIDDEN_LINK.test(entry.name)) continue;
      if ((await readlink(path)).startsWith(`${PLACE}/`)) await rm(path, { force: true });
    }
  }

  private async digests(): Promise<string[]> {
    return (await readdir(this.place)).filter((name) => /^[0-9a-f]{64}$/.test(name));
  }

  private async manifest(digest: string): Promise<Manifest> {
    try {
      return JSON.parse(await readFile(join(this.place, digest, MANIFEST), 'utf8')) as Manifest;
    } catch {
      return {};
    }
  }
}

/** Where a model's link leads; undefined where there is none. @throws SourceFault where something else is in the way */
async function linkedDigest(target: string, name: string): Promise<string | undefined> {
  const stats = await lstat(target).catch(() => undefined);
  if (stats === undefined) return undefined;
  const to = stats.isSymbolicLink() ? await readlink(target) : '';
  if (!to.startsWith(`${PLACE}/`)) {
    throw new SourceFault(
      `is to be called ${name}, and the model folder has something of this name that was not pulled`,
    );
  }
  return to.slice(PLACE.length + 1);
}

/** `.name.<UUID>`, a link before it takes its name. */
const HIDDEN_LINK = /^\..+\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

async function switchLink(target: string, to: string): Promise<void> {
  const hidden = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  await symlink(to, hidden);
  await rename(hidden, target);
  await syncFolder(dirname(target));
}

/** Takes a lock that nobody has, or whose owner has not touched it for long. */
async function tookLock(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const stats = await stat(lock).catch(() => undefined);
  if (stats !== undefined && Date.now() - stats.mtimeMs > LOCK_STALE_MS) await rm(lock, { force: true });
  return false;
}

async function linkAnew(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  await link(from, to);
}

/** Names last only once their folder is on disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function digestOf(files: readonly SourceFile[]): string {
  const content = files.map(({ path, identity }) => [path, identity]).sort(([a], [b]) => (a! < b! ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

function sumOf(manifest: Manifest): number {
  return Object.values(manifest).reduce((sum, [, sizeBytes]) => sum + sizeBytes, 0);
}
