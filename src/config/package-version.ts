import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// Two folders up is the package's root, from src/config and from dist/config alike.
const manifest = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
  version: string;
  engines: { node: string };
  dependencies: Record<string, string | undefined>;
};

/** The version in package.json. */
export const packageVersion = manifest.version;

/** The version of ONNX Runtime, which package.json pins. */
export const runtimeVersion = manifest.dependencies['onnxruntime-node'] ?? '';

/** The oldest Node that it runs on, such as `20.19`. */
export const requiredNode = manifest.engines.node.replace(/^>=\s*/, '');
