/**
 * How long probes take while 512 connections keep the workers as busy as they can be: on the management port, and
 * for comparison on the workers' own port.
 * node bench/management.js [seconds for each path] [connections] [dist folder]
 *
 * Needs wrk. Each probe is a new connection, every 20 ms, from a process of its own. Load generator, probe and
 * server share the machine, so what is measured is the worst case: nobody has a core to himself.
 */
const { spawn } = require('node:child_process');
const { mkdtempSync, mkdirSync, rmSync, writeFileSync } = require('node:fs');
const { availableParallelism, tmpdir } = require('node:os');
const { join } = require('node:path');
const { Child } = require('./lib/child');
const { Histogram } = require('./lib/histogram');
const { mlp } = require('./lib/models');
const { Nestor } = require('./lib/nestor');

const [seconds = 10, connections = 512] = process.argv.slice(2, 4).map(Number);
const dist = process.argv[4];
const SETTLE_MS = 2000;
const WIDTHS = [784, 512, 512, 512, 10];

const folder = mkdtempSync(join(tmpdir(), 'nestor-management-'));

async function main() {
  mkdirSync(join(folder, 'models'));
  writeFileSync(join(folder, 'models/mlp.onnx'), mlp(WIDTHS));
  const body = JSON.stringify([Array.from({ length: WIDTHS[0] }, () => 0.5)]);
  const script = join(folder, 'post.lua');
  writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = '${body}'\n`,
  );
  const server = await Nestor.start({
    folder,
    dist,
    env: { MODEL_DIR: join(folder, 'models'), LOG_DIR: join(folder, 'logs') },
  });
  const probe = new Child(join(__dirname, 'load/probe.js'));
  try {
    await server.complete();
    const { port, managementPort: management } = server;
    const probes = [
      ['management', management, '/health/live'],
      ['management', management, '/health/ready'],
      ['management', management, '/workers'],
      ['a worker', port, '/api/health/live'],
      ['a worker', port, '/api/health/ready'],
    ];
    const duration = Math.ceil((SETTLE_MS / 1000 + seconds) * probes.length) + 2;
    const args = ['-t1', `-c${connections}`, `-d${duration}s`, '-s', script];
    const wrk = spawn('wrk', [...args, `${server.url}/api/inference/mlp`], { stdio: 'pipe' });
    let said = '';
    wrk.stdout.on('data', (chunk) => (said += chunk));
    console.log(`${connections} connections, ${availableParallelism()} cores, Node ${process.version}`);
    console.log('who         path                 probes   p50 ms   p99 ms   max ms');
    for (const [who, at, path] of probes) {
      const answer = await probe.ask({ port: at, path, settleMs: SETTLE_MS, windowMs: seconds * 1000 });
      const latencies = Histogram.from(answer);
      const figures = [latencies.quantile(0.5), latencies.quantile(0.99), latencies.maxMs];
      const cells = figures.map((ms) => ms.toFixed(1).padStart(9)).join('');
      console.log(`${who.padEnd(12)}${path.padEnd(20)}${String(latencies.count).padStart(7)}${cells}`);
    }
    await new Promise((gone) => wrk.once('close', gone));
    console.log(/Requests\/sec.*/.exec(said)?.[0] ?? said, /Non-2xx.*/.exec(said)?.[0] ?? '');
  } finally {
    await probe.stop();
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
