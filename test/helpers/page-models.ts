import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeModel } from './model-folder';
import { addModel, identityModel } from './onnx-models';
import { MODELS } from './server';
import { SENTENCE_FILES, smallTextModel, writeTextFolder } from './text-models';

/** A model for each form of the page, one of two versions, and some that do not serve. */
export function writeModels(folder: string): void {
  for (const name of ['digits', 'iris']) cpSync(join(MODELS, name), join(folder, name), { recursive: true });
  cpSync(join(folder, 'iris', '1'), join(folder, 'iris', '2'), { recursive: true });
  writeModel(folder, 'broken', Buffer.from('no model'), { version: '1' });
  writeModel(folder, 'sum', addModel(1), { version: '1' });
  writeModel(folder, 'wine', identityModel('FP32', ['N', 13]), { version: '1' });
  writeModel(folder, 'ids', identityModel('INT64', ['N', 'L']), { version: '1' });
  writeModel(folder, 'prices', addModel(1), {
    version: '1',
    yaml: 'input: { row: { type: table } }\noutput: { price: { type: regression, labels: [total] } }',
  });
  // Of its three channels, the strongest.
  writeModel(folder, 'hues', identityModel('FP32', ['N', 3, 8, 8]), {
    version: '1',
    yaml: `
input: { picture: { type: image, resize: { width: 8, height: 8 } } }
output: { hue: { type: mask, labels: [red, green, blue] } }`,
  });
  writeTextFolder(folder, 'sentences', smallTextModel('hidden'), SENTENCE_FILES);
  mkdirSync(join(folder, 'far'));
  writeFileSync(join(folder, 'far', 'model.yaml'), 'runtime: remote\nurls: [http://127.0.0.1:9]\n');
}
