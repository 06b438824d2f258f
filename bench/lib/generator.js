const path = require('node:path');
const { Child } = require('./child');
const { Histogram } = require('./histogram');

const LOAD = path.join(__dirname, '../load');
const SUMMED = ['ok', 'good', 'refused', 'failed', 'offered', 'unsent', 'generatorCpuMs'];

/** The processes that send load, and the one that asks after the server's life meanwhile. */
class Generator {
  constructor(processes) {
    this.senders = Array.from({ length: processes }, () => new Child(path.join(LOAD, 'generator.js')));
    this.probe = new Child(path.join(LOAD, 'probe.js'));
  }

  /** One measurement; what the plan says is shared out among the processes. */
  async run(plan, livePath) {
    const shares = this.senders.map((_, index) => this.#shareOf(plan, index));
    const senders = this.senders.filter((_, index) => shares[index].connections > 0);
    await Promise.all(senders.map((sender, index) => sender.ask(shares[index])));
    // Only now that all are connected, so that all count over the same time.
    const probing = livePath && this.probe.ask({ ...plan, request: undefined, path: livePath });
    const parts = await Promise.all(senders.map((sender) => sender.ask('go')));
    const live = probing && Histogram.from(await probing);
    return { ...merge(parts), live };
  }

  #shareOf(plan, index) {
    const { length } = this.senders;
    return {
      ...plan,
      connections: Math.floor((plan.connections + length - 1 - index) / length),
      ratePerSecond: plan.ratePerSecond && plan.ratePerSecond / length,
      seed: index + 1,
    };
  }

  async stop() {
    await Promise.all([...this.senders, this.probe].map((child) => child.stop()));
  }
}

/** All of them counted over the same time; the server's and the machine's clocks are those of the first. */
function merge(parts) {
  const [first] = parts;
  const sum = (key) => parts.reduce((total, part) => total + (part[key] ?? 0), 0);
  const histogram = (key) => parts.reduce((all, part) => all.add(part[key] ?? all), new Histogram());
  return {
    seconds: first.ms / 1000,
    serverCpuMs: first.serverCpuMs,
    sessionCpuMs: first.sessionCpuMs,
    machineCpuMs: first.machineCpuMs,
    ...Object.fromEntries(SUMMED.map((key) => [key, sum(key)])),
    latencies: histogram('latencies'),
    lateness: histogram('lateness'),
  };
}

module.exports = { Generator };
