import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const LOCALES = '/usr/lib/locale';

/**
 * The environment for a server whose models have StringNormalizer, which needs the locale en_US.UTF-8. Where the
 * system has only C.UTF-8, that one goes by its name: they change the case of letters alike.
 * @param folder where it may be put
 */
export function withEnglish(folder: string): Record<string, string> {
  const installed = ['locale-archive', 'en_US.utf8'].some((name) => existsSync(join(LOCALES, name)));
  const plain = join(LOCALES, 'C.utf8');
  if (installed || !existsSync(plain)) return {};
  mkdirSync(folder, { recursive: true });
  cpSync(plain, join(folder, 'en_US.utf8'), { recursive: true });
  return { LOCPATH: folder };
}
