const { performance } = require('node:perf_hooks');
const { cpuMs, machineCpuMs, nicedCpuMs } = require('../lib/cpu');
const { Histogram } = require('../lib/histogram');

/** What came back in one measurement. */
class Tally {
  constructor(deadlineMs = Infinity) {
    this.deadlineMs = deadlineMs;
    this.ok = 0;
    /** Of those, the ones that came within the deadline. */
    this.good = 0;
    this.refused = 0;
    /** Broken connections, and every other status. */
    this.failed = 0;
    /** Latencies of the `ok` ones. */
    this.latencies = new Histogram();
  }

  answer(status, latencyMs) {
    if (status === 200) {
      this.ok++;
      if (latencyMs <= this.deadlineMs) this.good++;
      this.latencies.record(latencyMs);
    } else if (status === 503 || status === 504) this.refused++;
    else this.failed++;
  }

  failure() {
    this.failed++;
  }
}

/** The clocks at one edge of a measurement: time, and CPU time of the server, this process and the machine. */
function readClocks(serverPids) {
  const { user, system } = process.cpuUsage();
  return {
    ms: performance.now(),
    serverCpuMs: cpuMs(serverPids),
    sessionCpuMs: nicedCpuMs(serverPids),
    generatorCpuMs: (user + system) / 1000,
    machineCpuMs: machineCpuMs(),
  };
}

function between(before, after) {
  return Object.fromEntries(Object.keys(before).map((key) => [key, after[key] - before[key]]));
}

module.exports = { Tally, between, readClocks };
