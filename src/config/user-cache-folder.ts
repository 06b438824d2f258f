import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * A folder of this user's for what can be made again; undefined where he has none.
 * https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function userCacheFolder(name: string): string | undefined {
  const set = process.env.XDG_CACHE_HOME ?? '';
  if (isAbsolute(set)) return join(set, name);
  try {
    return join(homedir(), '.cache', name);
  } catch {
    // The system does not know this user.
    return undefined;
  }
}
