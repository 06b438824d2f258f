/**
 * Shows calls over two servers as a Jaeger that runs on this machine has them (see docs/tracing.md):
 *   node scripts/trace-in-jaeger.js [http://127.0.0.1:4318] [http://127.0.0.1:16686]
 *
 * Three clients send pictures of digits to a server that prepares them and asks a Redis; the model is a remote one, on a
 * second server, and runs once for all three. Prints Jaeger's answer as a tree; fails where it is not what was sent.
 * Needs `npm run build` and a redis-server.
 */
const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: wait } = require('node:timers/promises');
const { freePort } = require('../bench/lib/free-port');
const { Nestor } = require('../bench/lib/nestor');

const [collector = 'http://127.0.0.1:4318', jaeger = 'http://127.0.0.1:16686'] = process.argv.slice(2);
const DIGITS = path.join(__dirname, '../models/digits');
const CLIENTS = 3;
const CLIENT_SPAN = 'b7ad6b7169203331';

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-trace-'));
  const redisPort = await freePort();
  const redis = spawn('redis-server', ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', ''], {
    cwd: folder,
    stdio: 'ignore',
  });
  const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_TRACES_SAMPLER_ARG: '0', WORKERS: '1' };
  const servers = [];
  const traces = Array.from({ length: CLIENTS }, () => randomBytes(16).toString('hex'));
  try {
    const [front, behind] = [path.join(folder, 'front'), path.join(folder, 'behind')];
    fs.cpSync(DIGITS, path.join(behind, 'digits'), { recursive: true });
    servers.push(
      await Nestor.start({ folder, env: { ...settings, MODEL_DIR: behind, OTEL_SERVICE_NAME: 'behind' } }),
    );
    fs.cpSync(DIGITS, path.join(front, 'digits'), {
      recursive: true,
      filter: (from) => !from.endsWith('1') && !from.includes('/1/'),
    });
    fs.appendFileSync(
      path.join(front, 'digits', 'model.yaml'),
      `runtime: remote\nurls: [${servers[0].url}/v2/models/digits]\nprotocol: v2-binary\n` +
        `batching: true\nmax_batch_rows: ${CLIENTS}\nmax_queue_delay_ms: 10000\n`,
    );
    servers.push(
      await Nestor.start({
        folder,
        env: {
          ...settings,
          MODEL_DIR: front,
          OTEL_SERVICE_NAME: 'front',
          CACHE_ENABLED: 'true',
          REDIS_URL: `redis://127.0.0.1:${redisPort}`,
        },
      }),
    );
    await Promise.all(traces.map((trace, i) => send(servers[1], trace, i)));
  } finally {
    // What was made so far is sent before they end.
    for (const server of servers.reverse()) await server.stop();
    redis.kill();
    fs.rmSync(folder, { recursive: true });
  }
  await show(traces);
}

/** The same picture with another byte behind its end each, so that none is another's entry in the cache. */
async function send(server, trace, i) {
  const png = Buffer.concat([fs.readFileSync(path.join(DIGITS, 'three.png')), Buffer.from([i])]);
  await server.post('/api/inference/digits', JSON.stringify({ picture: [{ b64: png.toString('base64') }] }), {
    'content-type': 'application/json',
    traceparent: `00-${trace}-${CLIENT_SPAN}-01`,
  });
}

/** Prints the traces as Jaeger has them, and holds them to what was sent. */
async function show(traces) {
  const found = await Promise.all(traces.map(traceOf));
  const isWhole = (spans) => spans.some(({ service }) => service === 'behind');
  // One call went to the remote for all three, with the trace of one of them.
  const spans = found.find(isWhole);
  assert.equal(found.filter(isWhole).length, 1, 'the remote has a part in one trace');
  print(spans, CLIENT_SPAN);
  const one = (service, name) => {
    const those = spans.filter((span) => span.service === service && span.name === name);
    assert.equal(those.length, 1, `one span ${name} of ${service}`);
    return those[0];
  };
  const run = one('front', 'run');
  for (const name of ['prepare', 'cache get', 'finish']) one('front', name);
  assert.equal(one('front', 'remote').parent, run.id);
  assert.equal(one('behind', 'POST /v2/models/{model}/infer').parent, one('front', 'remote').id);
  assert.equal(one('behind', 'run').parent, one('behind', 'POST /v2/models/{model}/infer').id);
  const [link] = run.links;
  const [batch] = await traceOf(link.traceID);
  console.log('\nits batch:');
  print([batch], undefined);
  const runs = found.flat().filter(({ service, name }) => service === 'front' && name === 'run');
  assert.deepEqual(batch.links.map(({ spanID }) => spanID).sort(), runs.map(({ id }) => id).sort());
  assert.ok(runs.every(({ links }) => links[0].spanID === batch.id));
}

/** A trace's spans by Jaeger's query API, as soon as it has them. */
async function traceOf(id) {
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`${jaeger}/api/traces/${id}`);
    const { data } = await answer.json();
    if (data !== null && data.length > 0) return data[0].spans.map((span) => spanOf(span, data[0].processes));
    if (tries === 50) throw new Error(`Jaeger has no trace ${id}`);
    await wait(100);
  }
}

function spanOf({ spanID, operationName, startTime, duration, references, tags, processID }, processes) {
  return {
    id: spanID,
    name: operationName,
    service: processes[processID].serviceName,
    startUs: startTime,
    durationUs: duration,
    parent: references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
    links: references.filter(({ refType }) => refType === 'FOLLOWS_FROM'),
    rows: tags.find(({ key }) => key === 'nestor.batch.rows')?.value,
  };
}

function print(spans, parent, indent = '') {
  for (const span of spans.filter((one) => one.parent === parent).sort((a, b) => a.startUs - b.startUs)) {
    const rows = span.rows === undefined ? '' : `, ${span.rows} rows ran`;
    const links = span.links.map(({ spanID }) => spanID).join(', ');
    const ms = (span.durationUs / 1000).toFixed(2);
    console.log(
      `${indent}${span.service}: ${span.name} (${span.id}), ${ms} ms${rows}${links && `, linked with ${links}`}`,
    );
    print(spans, span.id, `${indent}  `);
  }
}

void main();
