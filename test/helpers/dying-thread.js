const { parentPort, receiveMessageOnPort, workerData } = require('node:worker_threads');

/**
 * In place of a session thread: speaks its protocol for a model `x` [N] -> `y` [N], and dies at the moment
 * that stands in place of the model's file name.
 */
const signal = new Int32Array(workerData.signal);
const spec = (name) => ({ name, datatype: 'FP32', shape: [-1] });

function woken() {
  Atomics.wait(signal, 0, 0);
  Atomics.store(signal, 0, 0);
}

woken();
const { modelFile } = receiveMessageOnPort(parentPort).message.options;
if (modelFile === 'load') process.exit(3);
parentPort.postMessage({ kind: 'ready', ms: 1, signature: { inputs: [spec('x')], outputs: [spec('y')] } });
if (modelFile === 'idle') process.exit(3);
woken();
if (modelFile === 'throw') throw new Error('the thread had a fault');
process.exit(3);
