const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ROOT } = require('./options');

/** What the figures were measured on: enough to compare them, nothing that names the machine or its owner. */
function describeMachine(options) {
  const cpus = os.cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    usableCores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release().split('-')[0]} ${process.arch}`,
    node: process.version,
    onnxruntime: versionOf('node_modules/onnxruntime-node'),
    nestor: versionOf('.'),
    workers: options.workers,
    loadBefore: os.loadavg()[0],
  };
}

function versionOf(folder) {
  return JSON.parse(fs.readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8')).version;
}

module.exports = { describeMachine };
