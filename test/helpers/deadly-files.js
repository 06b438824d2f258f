// Preloaded into a server (`NODE_OPTIONS=--require <this file>`): a session thread that is to load a file with "deadly"
// in it takes its whole process with it, as a fault in native code does.
const { readFileSync } = require('node:fs');
const threads = require('node:worker_threads');

const receive = threads.receiveMessageOnPort;
threads.receiveMessageOnPort = (port) => {
  const received = receive(port);
  const file = received?.message.options?.modelFile;
  if (file !== undefined && readFileSync(file).includes('deadly')) process.kill(process.pid, 'SIGSEGV');
  return received;
};
