const os = require('node:os');
const { setTimeout: sleep } = require('node:timers/promises');
const { PEERS } = require('./peers');
const { readStages, stagesBetween } = require('./stages');
const { FORMS, outputOf, requestBytes } = require('./works');

/** What a client of the open loop is ready to wait. */
const DEADLINE_MS = 100;
/** Says what is left of that when a request is sent, for servers that heed it; always of as many digits. */
const TIMEOUT_HEADER = 'x-request-timeout-ms';
/** So many requests may be on their way at once in an open loop; what is beyond that waits in the client. */
const OPEN_CONNECTIONS = 512;
const PAUSE_MS = 100;
const TOLERANCE = 1e-4;

/**
 * Why the peers cannot be compared by this work: one does not answer it, or they disagree about the numbers.
 * Undefined when all is well.
 */
async function faultOf(work, peers) {
  let first;
  for (const peer of peers) {
    const { status, output } = await ask(peer, work);
    if (status !== 200) return `${peer.name} answered ${status}`;
    first ??= output;
    const differs = output.some((value, i) => !(Math.abs(value - first[i]) <= TOLERANCE));
    if (differs || output.length !== first.length) return `${peer.name} answered other numbers`;
  }
  return undefined;
}

async function ask({ port }, work) {
  const { path, body } = FORMS[work.form];
  const { bytes, headers } = body(work.inputs);
  const url = `http://127.0.0.1:${port}${path(work.model)}`;
  const answer = await fetch(url, { method: 'POST', headers, body: bytes });
  const received = Buffer.from(await answer.arrayBuffer());
  const { status } = answer;
  if (status !== 200) return { status };
  return { status, output: outputOf(work, received, Object.fromEntries(answer.headers)) };
}

/** So many clients, each of which sends its next request when it has its answer. */
async function closedLoop(generator, peer, work, connections, { windowMs, settleMs }) {
  const plan = { request: requestBytes(work), connections, windowMs, settleMs };
  const before = await stages(peer, work);
  const counts = await measure(generator, peer, plan);
  const after = await stages(peer, work);
  return {
    ...counts,
    cpuUs: (counts.serverCpuMs / counts.ok) * 1000,
    sessionUs: (counts.sessionCpuMs / counts.ok) * 1000,
    generatorUs: (counts.generatorCpuMs / counts.ok) * 1000,
    stages: before && after && stagesBetween(before, after),
  };
}

/** Requests that arrive at this mean rate, with a deadline; it takes what it takes. */
async function openLoop(generator, peer, work, ratePerSecond, { windowMs, settleMs }) {
  const request = requestBytes(work, { [TIMEOUT_HEADER]: DEADLINE_MS });
  const counts = await measure(generator, peer, {
    request,
    ratePerSecond,
    deadlineMs: DEADLINE_MS,
    timeoutAt: request.indexOf(`${TIMEOUT_HEADER}: `) + TIMEOUT_HEADER.length + 2,
    connections: OPEN_CONNECTIONS,
    windowMs,
    settleMs,
  });
  const { offered, good, ok, refused, seconds } = counts;
  return {
    ...counts,
    offeredPerSecond: offered / seconds,
    goodPerSecond: good / seconds,
    refusedShare: refused / offered,
    /** Neither answered in time nor refused. */
    missedShare: (offered - good - refused) / offered,
    lateShare: (ok - good) / offered,
  };
}

async function measure(generator, peer, plan) {
  const { live } = PEERS[peer.name];
  const counts = await generator.run({ ...plan, port: peer.port, serverPids: peer.pids }, live);
  await settled(peer, live);
  const { ok, seconds, machineCpuMs, serverCpuMs, generatorCpuMs } = counts;
  const ownMs = serverCpuMs + generatorCpuMs;
  return {
    ...counts,
    perSecond: ok / seconds,
    /** The part of the machine that neither the server nor the generator has used. */
    foreignShare: (machineCpuMs - ownMs) / (seconds * 1000 * os.cpus().length),
  };
}

/** What an overloaded server has still to do is not to fall into the next measurement. */
async function settled(peer, live) {
  if (live) await (await peer.get(live)).arrayBuffer();
  await sleep(PAUSE_MS);
}

async function stages(peer, work) {
  const { metrics } = PEERS[peer.name];
  if (metrics === undefined) return undefined;
  return readStages(await (await peer.get(metrics)).text(), work.model);
}

module.exports = { DEADLINE_MS, closedLoop, faultOf, openLoop };
