const path = require('node:path');
const { performance } = require('node:perf_hooks');
const { closedLoop, faultOf, openLoop } = require('./measure');
const { short } = require('./numbers');
const { Peer } = require('./peers');
const { WORKS } = require('./works');

const NAMES = ['bare', 'nestor'];
const WARM_UP_STEP_MS = 250;
/** As many as keep a server busy without piling up. */
const BUSY_CONNECTIONS = 32;

/**
 * Measures every cell with every peer, as often as there are rounds. In a round the peers run side by side and take
 * turns cell by cell, so that what else the machine does meets both alike; the order turns round by round.
 */
class Rounds {
  constructor(generator, options, workspace) {
    this.generator = generator;
    this.options = options;
    this.workspace = workspace;
    this.peers = [];
    /** Results of closed loops, one for each round: `{work, connections, peers: {bare: [], nestor: []}}`. */
    this.closed = [];
    /** The same of open loops, with `percent` and `ratePerSecond` in place of connections. */
    this.open = [];
    /** Works that were left out, and why. */
    this.faults = [];
  }

  async run() {
    const { rounds, works, openWorks } = this.options;
    if (works.length + openWorks.length === 0) return;
    for (let round = 1; round <= rounds; round++) {
      console.log(`\nRound ${round} of ${rounds}`);
      await this.#start(round);
      try {
        if (round === 1) await this.#plan();
        await this.#warmUp();
        if (round === 1) await this.#findCapacities();
        for (const cell of this.closed) await this.#measure(cell, round, this.#closedLoop);
        for (const cell of this.open) await this.#measure(cell, round, this.#openLoop);
      } finally {
        await this.stop();
      }
    }
  }

  async stop() {
    await Promise.all(this.peers.map((peer) => peer.stop()));
    this.peers = [];
  }

  async #start(round) {
    for (const name of NAMES) {
      const workspace = path.join(this.workspace, `${name}-${round}`);
      const modelDir = path.join(this.workspace, 'models');
      this.peers.push(await Peer.start(name, { ...this.options, modelDir, workspace }));
    }
  }

  /** What can be measured: the works that all peers answer alike. */
  async #plan() {
    const { works, openWorks, connections, loadPercents } = this.options;
    const fit = [];
    for (const name of new Set([...works, ...openWorks])) {
      const fault = await faultOf(WORKS.get(name), this.peers);
      if (fault === undefined) fit.push(name);
      else this.faults.push(`${name} is left out: ${fault}`);
    }
    this.faults.forEach((fault) => console.log(`  ${fault}`));
    const cellsOf = (names, key, values) =>
      names
        .filter((name) => fit.includes(name))
        .flatMap((name) =>
          values.map((value) => ({ work: WORKS.get(name), [key]: value, peers: { bare: [], nestor: [] } })),
        );
    this.closed = cellsOf(works, 'connections', connections);
    this.open = cellsOf(openWorks, 'percent', loadPercents);
  }

  /** The arrival rates of all open loops, for both peers alike, follow from what nestor can carry. */
  async #findCapacities() {
    const nestor = this.peers.find(({ name }) => name === 'nestor');
    for (const work of new Set(this.open.map((cell) => cell.work))) {
      const { perSecond } = await closedLoop(this.generator, nestor, work, BUSY_CONNECTIONS, this.options);
      console.log(`  ${work.name}: ${BUSY_CONNECTIONS} clients get ${short(perSecond)} answers/s`);
      for (const cell of this.open.filter((open) => open.work === work)) {
        cell.capacity = perSecond;
        cell.ratePerSecond = (perSecond * cell.percent) / 100;
      }
    }
  }

  /** Until a server's code is compiled and its costs are learned, a request can take ten times as much. */
  async #warmUp() {
    const { warmUpRequests, warmUpMs } = this.options;
    for (const work of new Set([...this.closed, ...this.open].map((cell) => cell.work)))
      for (const peer of this.peers) {
        const untilMs = performance.now() + warmUpMs;
        for (let answered = 0; answered < warmUpRequests && performance.now() < untilMs;) {
          const times = { settleMs: 0, windowMs: WARM_UP_STEP_MS };
          answered += (await closedLoop(this.generator, peer, work, BUSY_CONNECTIONS, times)).ok;
        }
      }
  }

  async #measure(cell, round, measure) {
    const order = round % 2 === 1 ? this.peers : this.peers.toReversed();
    for (const peer of order) cell.peers[peer.name].push(await measure.call(this, cell, peer));
  }

  async #closedLoop({ work, connections }, peer) {
    const result = await closedLoop(this.generator, peer, work, connections, this.options);
    const { perSecond, cpuUs, latencies, live, failed, refused } = result;
    const bad = failed + refused;
    console.log(
      `  ${work.name.padEnd(13)} c=${String(connections).padEnd(4)}${peer.name.padEnd(7)}` +
        `${short(perSecond).padStart(6)} req/s ${short(cpuUs).padStart(6)} us cpu  ${quantiles('p', latencies)}` +
        `  ${quantiles('live p', live)}${bad > 0 ? `  NOT ANSWERED ${bad}` : ''}`,
    );
    return result;
  }

  async #openLoop({ work, percent, ratePerSecond }, peer) {
    const result = await openLoop(this.generator, peer, work, ratePerSecond, this.options);
    const { offeredPerSecond, goodPerSecond, refusedShare, missedShare, live, latencies } = result;
    console.log(
      `  ${work.name.padEnd(13)} ${String(percent).padStart(4)} % ${peer.name.padEnd(7)}` +
        `${short(offeredPerSecond).padStart(6)} offered ${short(goodPerSecond).padStart(6)} good/s` +
        `  refused ${percentOf(refusedShare)} missed ${percentOf(missedShare)}` +
        `  ${quantiles('p', latencies)}  ${quantiles('live p', live)}`,
    );
    return result;
  }
}

function quantiles(label, histogram) {
  return `${label}50 ${short(histogram.quantile(0.5))} ${label}99 ${short(histogram.quantile(0.99))} ms`;
}

function percentOf(share) {
  return `${short(share * 100)} %`;
}

module.exports = { BUSY_CONNECTIONS, Rounds };
