/**
 * A process that asks a server whether it is alive, as a load balancer would: every 20 ms, on a new connection.
 * It is one of its own so that the load generator's business does not delay it.
 */
const net = require('node:net');
const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { serve } = require('../lib/child');
const { Histogram } = require('../lib/histogram');

const PAUSE_MS = 20;
const TIMEOUT_MS = 5000;

serve(async ({ port, path, settleMs, windowMs }) => {
  const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
  await sleep(settleMs);
  const latencies = new Histogram();
  const untilMs = performance.now() + windowMs;
  while (performance.now() < untilMs) {
    latencies.record(await timeOf(port, request));
    await sleep(PAUSE_MS);
  }
  return latencies;
});

/** Milliseconds to the answer; the time-out's when it is not 200. */
function timeOf(port, request) {
  return new Promise((resolve) => {
    const startMs = performance.now();
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    const finish = (ms) => {
      socket.destroy();
      resolve(ms);
    };
    socket.setTimeout(TIMEOUT_MS, () => finish(TIMEOUT_MS));
    socket.once('error', () => finish(TIMEOUT_MS));
    socket.once('close', () => finish(TIMEOUT_MS));
    socket.once('data', (bytes) =>
      finish(bytes.latin1Slice(9, 12) === '200' ? performance.now() - startMs : TIMEOUT_MS),
    );
    socket.write(request);
  });
}
