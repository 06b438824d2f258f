/**
 * What faults of Redis cost requests that the cache cannot answer: latency of runs of `mlp`, beside a server without
 * a cache. node bench/cache-faults.js <folder with tiny.onnx, mlp.onnx, cls.onnx> [rounds] [seconds] [dist folder]
 *
 * Needs wrk and redis-server. A server without a cache and one with Redis alone take turns, the latter once with a
 * Redis that works and then with each fault. No request comes twice. What is measured begins a second after a fault
 * did: the circuit has opened by then.
 */
const { createServer, connect } = require('node:net');
const { join } = require('node:path');
const { clearInterval, setInterval } = require('node:timers');
const { setTimeout: sleep } = require('node:timers/promises');
const { createClient } = require('redis');
const { Bench, least, load } = require('./lib/cache-server');

const [models, rounds = '3', seconds = '3', dist = join(__dirname, '../dist')] = process.argv.slice(2);
// One after the other: what is measured is what a request waits for, not what it shares a busy core with.
const CONNECTIONS = 1;
const SLOW_MS = 200;
const WORK = 'mlp';
const bench = new Bench(models, dist);

/** In front of Redis, with a delay for what it answers. */
async function startProxy(targetPort) {
  const proxy = { delayMs: 0, cut: () => sockets.forEach((socket) => socket.destroy()) };
  const sockets = new Set();
  const kept = (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    const target = kept(connect(targetPort, '127.0.0.1'));
    kept(client).pipe(target);
    target.on('data', (chunk) => {
      if (proxy.delayMs === 0) client.write(chunk);
      else setTimeout(() => client.write(chunk), proxy.delayMs);
    });
    target.once('close', () => client.destroy());
    client.once('close', () => target.destroy());
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return Object.assign(proxy, { port: server.address().port, close: () => server.close() });
}

async function command(port, ...words) {
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  await client.connect();
  await client.sendCommand(words);
  await client.disconnect();
}

/** Begins, and gives what ends it. */
const FAULTS = {
  none: () => () => undefined,
  [`${SLOW_MS} ms slow`]: ({ proxy }) => {
    proxy.delayMs = SLOW_MS;
    return () => (proxy.delayMs = 0);
  },
  flapping: ({ proxy }) => {
    const timer = setInterval(() => proxy.cut(), 100);
    return () => clearInterval(timer);
  },
  full: async ({ redis }) => {
    await command(redis.port, 'CONFIG', 'SET', 'maxmemory', '1');
    return () => command(redis.port, 'CONFIG', 'SET', 'maxmemory', '0');
  },
  'read-only': async ({ redis }) => {
    await command(redis.port, 'REPLICAOF', '127.0.0.1', '1');
    return () => command(redis.port, 'REPLICAOF', 'NO', 'ONE');
  },
  stopped: ({ redis }) => {
    redis.child.kill('SIGSTOP');
    return () => redis.child.kill('SIGCONT');
  },
  killed: ({ redis }) => {
    redis.child.kill('SIGKILL');
    return () => undefined;
  },
};

async function latencies({ url }, script) {
  const text = await load(script.file, `${url}/api/inference/${WORK}`, CONNECTIONS, seconds);
  const at = (percent) => {
    const [, value, unit] = new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(text);
    return Number(value) * { us: 1e-3, ms: 1, s: 1000 }[unit];
  };
  return { p50: at(50), p99: at(99) };
}

async function main() {
  const redis = await bench.startRedis();
  await sleep(500);
  const proxy = await startProxy(redis.port);
  const off = await bench.startServer({ CACHE_ENABLED: 'false' });
  const cached = await bench.startServer({
    REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
    CACHE_MEMORY_BYTES: '0',
  });
  const script = bench.scriptOf(WORK, true);
  for (const server of [off, cached]) await latencies(server, script);
  console.log('| Redis | p50 ms | p99 ms | without a cache, p50 | p99 | p99 more by |');
  console.log('| --- | --: | --: | --: | --: | --: |');
  for (const [name, begin] of Object.entries(FAULTS)) {
    const end = await begin({ proxy, redis });
    await load(script.file, `${cached.url}/api/inference/${WORK}`, CONNECTIONS, 1);
    const pairs = [];
    for (let round = 0; round < Number(rounds); round++) {
      pairs.push([await latencies(cached, script), await latencies(off, script)]);
    }
    await end();
    await sleep(1500);
    const of = (side, point) => least(pairs.map((pair) => pair[side][point]));
    const cells = [of(0, 'p50'), of(0, 'p99'), of(1, 'p50'), of(1, 'p99'), of(0, 'p99') - of(1, 'p99')];
    console.log(`| ${[name, ...cells.map((ms) => ms.toFixed(2))].join(' | ')} |`);
  }
  proxy.cut();
  proxy.close();
}

main().finally(() => bench.stop());
