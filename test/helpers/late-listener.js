// Preloaded into a server (`NODE_OPTIONS=--require <this file>`): its second worker says so when it is about to listen,
// and waits there for SIGUSR2.
const cluster = require('node:cluster');
const { Server } = require('node:net');
const { isMainThread } = require('node:worker_threads');

if (isMainThread && cluster.worker?.id === 2) {
  const { listen } = Server.prototype;
  Server.prototype.listen = function (...args) {
    Server.prototype.listen = listen;
    process.once('SIGUSR2', () => listen.apply(this, args));
    console.log(`pid ${process.pid} is about to listen`);
    return this;
  };
}
