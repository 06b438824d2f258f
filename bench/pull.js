/**
 * What `nestor pull` takes for a file beside curl, from the same server on this machine.
 * node bench/pull.js [rounds] [MiB] [dist folder]
 *
 * `s3` is held to its length and ETag, `web` to its SHA-256 as well; both are on disk (fsync) when the command ends. So is
 * curl's file for `synced`; for `curl` it is wherever the kernel has it. They take turns; figures are medians over the rounds.
 */
const { spawn } = require('node:child_process');
const { createHash, randomBytes } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const { createServer } = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { performance } = require('node:perf_hooks');
const { median, short } = require('./lib/numbers');

const [rounds = '5', mib = '1024', dist = path.join(__dirname, '../dist')] = process.argv.slice(2);
const MIB = 1024 ** 2;
const KEY = 'models/large/1/model.onnx';

async function main() {
  const workspace = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-bench-'));
  const file = path.join(workspace, 'file');
  const sha256 = writeFile(file, Number(mib));
  const server = spawn(process.execPath, [process.argv[1], '--serve', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [port] = await once(server.stdout, 'data');
    const url = `http://127.0.0.1:${port}`;
    const pull = (source) => [
      process.execPath,
      path.resolve(dist, 'cli/main.js'),
      'pull',
      '--dir',
      'to',
      source,
    ];
    const ways = {
      curl: ['curl', '-sS', '--fail', '-o', 'to', `${url}/${KEY}`],
      synced: ['bash', '-c', `curl -sS --fail -o to ${url}/${KEY} && sync to`],
      s3: pull('s3://models/large'),
      web: pull(`large=${url}/${KEY}#sha256=${sha256}`),
    };
    const results = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
    for (let round = 0; round < Number(rounds); round++) {
      for (const [name, command] of Object.entries(ways)) {
        results[name].push(await run(command, workspace, { AWS_ENDPOINT_URL_S3: url }));
        fs.rmSync(path.join(workspace, 'to'), { recursive: true });
      }
    }
    console.log(`${mib} MiB      s    MB/s  CPU s  of curl's rate`);
    const of = (name, what) => median(results[name].map((result) => result[what]));
    for (const name of Object.keys(ways)) {
      const seconds = of(name, 'seconds');
      const rate = (Number(mib) * MIB) / 1e6 / seconds;
      const share = of('curl', 'seconds') / seconds;
      console.log(
        [name.padEnd(6), short(seconds), short(rate), short(of(name, 'cpu')), short(share)].join('  '),
      );
    }
  } finally {
    server.kill();
    fs.rmSync(workspace, { recursive: true, force: true });
  }
}

/** @returns its SHA-256 */
function writeFile(file, mebibytes) {
  const hash = createHash('sha256');
  const to = fs.openSync(file, 'w');
  for (let i = 0; i < mebibytes; i++) {
    const piece = randomBytes(MIB);
    hash.update(piece);
    fs.writeSync(to, piece);
  }
  fs.fsyncSync(to);
  fs.closeSync(to);
  return hash.digest('hex');
}

/** @returns wall-clock and CPU seconds */
async function run([command, ...args], cwd, env) {
  const startMs = performance.now();
  const timed = ['-c', 'TIMEFORMAT="%U %S"; time "$0" "$@" >/dev/null', command, ...args];
  const child = spawn('bash', timed, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command}: ${said}`);
  const [user, system] = said.trim().split('\n').at(-1).split(' ').map(Number);
  return { seconds: (performance.now() - startMs) / 1000, cpu: user + system };
}

/** The file under its key, and the listing of a bucket with nothing else. */
function serve(file) {
  const { size } = fs.statSync(file);
  const listing =
    `<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>${KEY.replace('models/', '')}</Key>` +
    `<ETag>&quot;1&quot;</ETag><Size>${size}</Size></Contents></ListBucketResult>`;
  const server = createServer((request, response) => {
    if (request.url.includes('list-type')) return void response.end(listing);
    response.writeHead(200, { 'content-length': size });
    fs.createReadStream(file, { highWaterMark: MIB }).pipe(response);
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(String(server.address().port)));
}

if (process.argv[2] === '--serve') serve(process.argv[3]);
else void main();
