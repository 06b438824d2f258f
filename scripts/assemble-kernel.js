/** Writes each WebAssembly module of `src/` from its text: node scripts/assemble-kernel.js */
const { readFileSync, writeFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const openWabt = require('wabt');

/** The folder of each, which has its text by its own name; what it needs beyond WebAssembly 1.0. */
const KERNELS = {
  FLOAT_KERNEL: { folder: 'src/tensors/numbers/float-kernel', features: {} },
  RESAMPLE_KERNEL: { folder: 'src/processing/images/resample-kernel', features: { simd: true } },
};
const LINE_LENGTH = 100;

/** What the module of a kernel is to hold. */
async function assemble(kernel) {
  const wabt = await openWabt();
  const { folder, features } = KERNELS[kernel];
  const file = `${basename(folder)}.wat`;
  const text = readFileSync(join(__dirname, '..', folder, file), 'utf8');
  const module = wabt.parseWat(file, text, features);
  module.validate();
  const { buffer } = module.toBinary({});
  const lines = Buffer.from(buffer)
    .toString('base64')
    .match(new RegExp(`.{1,${LINE_LENGTH}}`, 'g'));
  return (
    `// Assembled from ${file} by scripts/assemble-kernel.js: change that one.\n` +
    `export const ${kernel} =\n` +
    lines.map((line) => `  '${line}'`).join(' +\n') +
    ';\n'
  );
}

async function assembleAll() {
  for (const [kernel, { folder }] of Object.entries(KERNELS)) {
    writeFileSync(join(__dirname, '..', folder, `${basename(folder)}.wasm.ts`), await assemble(kernel));
  }
}

module.exports = { assemble };
if (require.main === module) void assembleAll();
