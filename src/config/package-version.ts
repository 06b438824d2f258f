import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// Two folders up is the package's root, from src/config and from dist/config alike.
const manifest = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
  version: string;
};

/** The version in package.json. */
export const packageVersion = manifest.version;
