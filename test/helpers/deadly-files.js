// Preloaded into a server (`NODE_OPTIONS=--require <this file>`): a session thread that is to load a file with "deadly"
// in it takes its whole process with it, as a fault in native code does.
const { readFileSync } = require('node:fs');
const { isMainThread, workerData } = require('node:worker_threads');

const file = isMainThread ? undefined : workerData?.options?.modelFile;
if (file !== undefined && readFileSync(file).includes('deadly')) process.kill(process.pid, 'SIGSEGV');
