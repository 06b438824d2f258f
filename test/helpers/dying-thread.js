const { parentPort, workerData } = require('node:worker_threads');

/**
 * In place of a session thread: speaks its protocol for a model `x` [N] -> `y` [N], and dies at the moment
 * that stands in place of the model's file name.
 */
const { options, signal } = workerData;
const spec = (name) => ({ name, datatype: 'FP32', shape: [-1] });

if (options.modelFile === 'load') process.exit(3);
parentPort.postMessage({ kind: 'ready', signature: { inputs: [spec('x')], outputs: [spec('y')] } });
if (options.modelFile === 'idle') process.exit(3);
Atomics.wait(new Int32Array(signal), 0, 0);
if (options.modelFile === 'throw') throw new Error('the thread had a fault');
process.exit(3);
