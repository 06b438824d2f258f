import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { DomainError } from '../errors/domain-error';

/** Is the real path `path` the folder `root`, or in it? Both with their links followed. */
export function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/**
 * What lies at `path` once links are followed; undefined when nothing does.
 * @param root a real path; neither `path` nor anything it links to may lie outside
 * @throws DomainError `model_unavailable`, with a reason that names the path relative to `root`
 */
export async function statInside(root: string, path: string): Promise<Stats | undefined> {
  let real: string;
  try {
    real = await realpath(path);
  } catch (error) {
    if (isAbsent(error) && !(await isThere(path))) return undefined;
    return explained(root, path, Promise.reject(error as Error));
  }
  if (!isInside(root, real)) {
    throw new DomainError(
      'model_unavailable',
      `${relative(root, path)} is a symbolic link that leaves the model folder`,
    );
  }
  return explained(root, path, stat(real));
}

/**
 * The same for what lies in a folder that is no link, nor in one: what is no link itself then lies in `root` for certain,
 * which takes one look instead of two.
 */
export async function statPlain(root: string, path: string): Promise<Stats | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  return stats === undefined || stats.isSymbolicLink() ? statInside(root, path) : stats;
}

/** Is it a folder, and no link to one? */
export async function isRealFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** Is there anything at this path, be it a broken link? */
export async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => !isAbsent(error),
  );
}

/** The entries of a folder in the order of their names, without those that begin with a dot. */
export async function listFolder(root: string, folder: string): Promise<Dirent[]> {
  const entries = await explained(root, folder, readdir(folder, { withFileTypes: true }));
  return entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Passes a result on, and a file system's error as one that shows nobody where `root` lies. */
export async function explained<T>(root: string, path: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw new DomainError(
      'model_unavailable',
      `${relative(root, path) || 'the model folder'} cannot be read: ${fileErrorReason(error)}`,
      { cause: error },
    );
  }
}

/** Why a file system call failed, without the path that its own message has. */
export function fileErrorReason(error: unknown): string {
  const code = errorCode(error);
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is nothing';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ELOOP':
      return 'its symbolic links run in a circle';
    default:
      return code ?? 'unknown error';
  }
}

export function isAbsent(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
