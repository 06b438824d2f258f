import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssetFiles } from '../assets';

/** Files in a folder of their own. */
export function assetsOf(files: Readonly<Record<string, string>> = {}): AssetFiles {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nestor-assets-')));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return new AssetFiles(folder, [folder]);
}
