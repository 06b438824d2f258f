const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { readdirSync } = require('node:fs');
const { createServer } = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');
const { inside } = require('./check-dockerfile.rehearsal');

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 30_000;

/** Starts what the image would start, write-protected and as its user, probes it and stops it as an engine would. */
async function tryOut(image, log) {
  writeProtect(image.root);
  const options = await processOptions(image, log);
  const server = spawn(image.command[0], image.command.slice(1), {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(server, 'exit').then(
    ([code, signal]) => code ?? signal,
    (error) => error.message, // it could not be started
  );
  let output = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => (output += chunk));

  const healthy = () => runProbe(image, options);
  const ready = () =>
    fetch(`http://127.0.0.1:${options.env.PORT}/api/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  try {
    await until('HEALTHCHECK succeeds', healthy, exited);
    log('  HEALTHCHECK succeeds');
    await until('models are ready', ready, exited);
    log('  models are ready');
    server.kill(image.stopSignal);
    const code = await Promise.race([exited, sleep(STOP_LIMIT_MS, 'not at all', { ref: false })]);
    if (code !== 0) throw new Error(`expected exit code 0 after ${image.stopSignal}, it ended with ${code}`);
    log(`  ${image.stopSignal} ends it with exit code 0`);
    if (await healthy()) throw new Error('HEALTHCHECK succeeds without a server');
  } catch (error) {
    server.kill('SIGKILL');
    throw new Error(`${error.message}\n--- what the server said\n${output}`, { cause: error });
  }
}

/** The runtime's binaries for other systems are gone, this machine's are there. */
function checkBinaries(image) {
  const folder = inside(image, 'node_modules/onnxruntime-node/bin');
  const left = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.parentPath.split('/').slice(-2).join('/'));
  const expected = `linux/${process.arch}`;
  if (left.length === 0 || left.some((place) => place !== expected)) {
    throw new Error(
      `expected the runtime's binaries for ${expected} alone, found ${[...new Set(left)].join(', ')}`,
    );
  }
}

function writeProtect(folder) {
  const { status } = spawnSync('chmod', ['-R', 'a+rX,a-w', folder], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`cannot write-protect ${folder}`);
}

/** The image's own environment and user, as far as this machine allows, on a port that is free. */
async function processOptions(image, log) {
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', ...image.env, PORT: String(await freePort()) };
  if (env.LD_PRELOAD !== undefined && spawnSync('true', { env }).stderr.length > 0) {
    log(`  not here, so not preloaded: ${env.LD_PRELOAD}`);
    delete env.LD_PRELOAD;
  }
  const options = { cwd: inside(image, '.'), env };
  if (process.getuid() !== 0) return options; // write protection holds for an ordinary user as it is
  const [uid, gid] = image.user.split(':').map(Number);
  const asUser = { ...options, uid, gid };
  const { status } = spawnSync(image.command[0], ['--version'], asUser);
  if (status === 0) return asUser;
  throw new Error(`user ${image.user} cannot run ${image.command[0]} here: is it in a folder of root's?`);
}

async function runProbe(image, options) {
  const [program, ...args] = image.healthcheck.command;
  const [code] = await once(spawn(program, args, { ...options, stdio: 'ignore' }), 'exit');
  return code === 0;
}

async function until(what, holds, exited) {
  const deadline = Date.now() + START_LIMIT_MS;
  let ended = false;
  void exited.then(() => (ended = true));
  while (!(await holds())) {
    if (ended) throw new Error(`it ended with ${await exited} before ${what}`);
    if (Date.now() > deadline) throw new Error(`after ${START_LIMIT_MS} ms it is still not so that ${what}`);
    await sleep(250);
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

module.exports = { tryOut, checkBinaries };
