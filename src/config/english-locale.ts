import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LOCALES = '/usr/lib/locale';
/** Names under which the C library looks for en_US.UTF-8. */
const ENGLISH = ['locale-archive', 'en_US.utf8'];
const PLAIN = join(LOCALES, 'C.utf8');

let provided = false;

/**
 * Has the C library find the locale `en_US.UTF-8`, which ONNX Runtime wants for StringNormalizer, also where the system
 * has none: `C.UTF-8` goes by its name, as both change the case of letters alike. It lies in a folder of this process,
 * which goes with it. To be called on the main thread, whose environment is that of the process.
 */
export function provideEnglish(): void {
  if (provided) return;
  provided = true;
  if (process.platform !== 'linux' || process.env.LOCPATH || !existsSync(PLAIN)) return;
  if (ENGLISH.some((name) => existsSync(join(LOCALES, name)))) return;
  const folder = mkdtempSync(join(tmpdir(), 'nestor-locale-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  cpSync(PLAIN, join(folder, 'en_US.utf8'), { recursive: true });
  process.env.LOCPATH = folder;
}
