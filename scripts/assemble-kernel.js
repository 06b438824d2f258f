/** Writes src/tensors/numbers/float-kernel/float-kernel.wasm.ts from float-kernel.wat: node scripts/assemble-kernel.js */
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const openWabt = require('wabt');

const folder = join(__dirname, '../src/tensors/numbers/float-kernel');
const LINE_LENGTH = 100;

/** The module that holds what the text assembles to. */
async function assemble() {
  const wabt = await openWabt();
  const text = readFileSync(join(folder, 'float-kernel.wat'), 'utf8');
  const module = wabt.parseWat('float-kernel.wat', text);
  module.validate();
  const { buffer } = module.toBinary({});
  const lines = Buffer.from(buffer)
    .toString('base64')
    .match(new RegExp(`.{1,${LINE_LENGTH}}`, 'g'));
  return (
    '// Assembled from float-kernel.wat by scripts/assemble-kernel.js: change that one.\n' +
    'export const FLOAT_KERNEL =\n' +
    lines.map((line) => `  '${line}'`).join(' +\n') +
    ';\n'
  );
}

module.exports = { assemble };
if (require.main === module) {
  void assemble().then((source) => writeFileSync(join(folder, 'float-kernel.wasm.ts'), source));
}
