// Preloaded into a server (`NODE_OPTIONS=--require <this file>`): on SIGUSR2 it ends its threads, which while one of
// them runs a model is a crash in native code: https://github.com/microsoft/onnxruntime/issues/19611
const threads = require('node:worker_threads');

if (threads.isMainThread) {
  const started = new Set();
  threads.Worker = class extends threads.Worker {
    constructor(...args) {
      super(...args);
      started.add(this);
    }
  };
  process.on('SIGUSR2', () => {
    for (const thread of started) void thread.terminate();
  });
}
