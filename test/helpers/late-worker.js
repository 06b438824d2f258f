// Preloaded into a server (`NODE_OPTIONS=--require <this file>`): its second worker says so when it is about to serve,
// and waits there for SIGUSR2.
const cluster = require('node:cluster');
const { isMainThread } = require('node:worker_threads');

if (isMainThread && cluster.worker?.id === 2) {
  const { send } = process;
  process.send = (message, ...rest) => {
    if (message?.kind !== 'ready') return send.call(process, message, ...rest);
    process.send = send;
    process.once('SIGUSR2', () => send.call(process, message, ...rest));
    console.log(`pid ${process.pid} is about to serve`);
    return true;
  };
}
