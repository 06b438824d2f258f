import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestModel } from './onnx-models';

/** An empty folder, which goes when the tests around this call are over. */
export function temporaryFolder(name = 'models'): string {
  const folder = mkdtempSync(join(tmpdir(), `nestor-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Puts a model into a model folder: flat, or in a folder of its own where a version is given. */
export function writeModel(
  folder: string,
  name: string,
  given: Uint8Array | TestModel,
  { version, yaml }: { version?: string; yaml?: string } = {},
): void {
  const { model, dataFiles } = given instanceof Uint8Array ? { model: given, dataFiles: {} } : given;
  const place = version === undefined ? folder : join(folder, name, version);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, version === undefined ? `${name}.onnx` : 'model.onnx'), model);
  for (const [file, bytes] of Object.entries(dataFiles)) writeFileSync(join(place, file), bytes);
  if (yaml !== undefined) {
    writeFileSync(join(folder, version === undefined ? `${name}.yaml` : `${name}/model.yaml`), yaml);
  }
}
