/** Writes resample-kernel.wasm.ts from resample-kernel.wat: node src/processing/images/resample-kernel/assemble.js */
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const openWabt = require('wabt');

const LINE_LENGTH = 100;

/** The module that holds what the text assembles to. */
async function assemble() {
  const wabt = await openWabt();
  const text = readFileSync(join(__dirname, 'resample-kernel.wat'), 'utf8');
  const module = wabt.parseWat('resample-kernel.wat', text, { simd: true });
  module.validate();
  const { buffer } = module.toBinary({});
  const lines = Buffer.from(buffer)
    .toString('base64')
    .match(new RegExp(`.{1,${LINE_LENGTH}}`, 'g'));
  return (
    '// Assembled from resample-kernel.wat by assemble.js: change that one.\n' +
    'export const RESAMPLE_KERNEL =\n' +
    lines.map((line) => `  '${line}'`).join(' +\n') +
    ';\n'
  );
}

module.exports = { assemble };
if (require.main === module) {
  void assemble().then((source) => writeFileSync(join(__dirname, 'resample-kernel.wasm.ts'), source));
}
