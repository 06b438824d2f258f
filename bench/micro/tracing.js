/**
 * What traces cost a request of its event loop: with none, of one that is not sampled, and of one that is, until its spans
 * are with a collector.
 * node bench/micro/tracing.js [dist folder]
 *
 * Figures are CPU time of this process in microseconds, without that of an empty loop; the least of several rounds.
 */
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { createServer } = require('node:http');
const path = require('node:path');

const [given = path.join(__dirname, '../../dist')] = process.argv
  .slice(2)
  .filter((word) => word !== '--collect');
const dist = path.resolve(given);

const { BatchTrace } = require(path.join(dist, 'telemetry/tracing/run-trace.js'));

const ROUNDS = 7;
const TIMES = 512_000;
const EXPORTED_AT_ONCE = 512;
const ROUTE = '/v2/models/{model}/infer';
const TRACE = '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331';
const RATIO = { parentBased: true, ratio: 0, maxPerSecond: Infinity };

async function main() {
  if (process.argv[2] === '--collect') return collect();
  const { otlpExporter } = require(path.join(dist, 'telemetry/tracing/otlp-exporter.js'));
  const { requestSpans } = require(path.join(dist, 'telemetry/tracing/request-spans.js'));
  const collector = spawn(process.execPath, [process.argv[1], '--collect'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(collector.stdout, 'data');
  const endpoint = `http://127.0.0.1:${port}`;
  const exportSpans = otlpExporter({ endpoint, headers: {}, resource: { 'service.name': 'bench' } }, '1');
  const headers = { host: 'a', traceparent: `00-${TRACE}-00` };
  const empty = await cost(() => undefined, TIMES);
  const line = (name, us) => console.log(`${name.padEnd(34)} ${(us - empty).toFixed(3)} us`);
  const [off, on, always] = [tracing(), tracing(RATIO), tracing({ ...RATIO, ratio: 1 })];
  line('off', await cost(() => off.begin({}, ROUTE), TIMES));
  line('off, with a traceparent', await cost(() => off.begin(headers, ROUTE), TIMES));
  line('not sampled', await cost(() => on.begin({}, ROUTE), TIMES));
  line('not sampled, with a traceparent', await cost(() => on.begin(headers, ROUTE), TIMES));
  let spans = requestSpans(sampled(always), END);
  const count = spans.length;
  const made = await cost(() => requestSpans(sampled(always), END), TIMES / 20);
  line(`sampled, ${count} spans made`, made);
  spans = [];
  const sent = await cost(() => {
    spans.push(...requestSpans(sampled(always), END));
    if (spans.length < EXPORTED_AT_ONCE) return undefined;
    return exportSpans(spans.splice(0, EXPORTED_AT_ONCE));
  }, TIMES / 20);
  line(`sampled, ${count} spans sent`, sent);
  collector.kill();
}

/** @param settings of the sampler; none: there is no collector */
function tracing(settings) {
  const { Sampler } = require(path.join(dist, 'telemetry/tracing/sampler.js'));
  const { Tracing } = require(path.join(dist, 'telemetry/tracing/tracing.js'));
  const spans = { add: () => undefined };
  return new Tracing(settings && { sampler: new Sampler(settings), spans }, 0);
}

const END = { method: 'POST', status: 200, startMs: 100, readMs: undefined, endMs: 110, code: undefined };

/** A request's way, as the server tells of it: the times are taken anyway. */
function sampled(always) {
  const { record } = always.begin({}, ROUTE);
  record.accepted({ name: 'iris', version: '1' });
  record.decoding(101);
  record.decoded(102, 1);
  const traced = record.queued(102);
  BatchTrace.of([{ traced }], 1, 103).end(109, undefined);
  return record;
}

async function cost(work, times) {
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) {
      const wait = work();
      if (wait instanceof Promise) await wait;
    }
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / times);
  }
  return least;
}

function collect() {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(String(server.address().port)));
}

void main();
