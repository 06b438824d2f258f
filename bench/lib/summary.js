const { median } = require('./numbers');
const { BUSY_CONNECTIONS } = require('./rounds');

/** One figure for each cell and peer: the median over the rounds; ratios are medians of each round's own ratio. */
function summarize({ options, machine, own, runtime, rounds, footprint }) {
  const closed = rounds.closed.filter(isMeasured).map(closedCell);
  const open = withShareOfPeak(rounds.open.filter(isMeasured).map(openCell));
  const foreign = [...rounds.closed, ...rounds.open].flatMap(({ peers }) =>
    Object.values(peers).flatMap((results) => results.map(({ foreignShare }) => foreignShare)),
  );
  return {
    machine,
    settings: {
      quick: options.quick,
      rounds: options.rounds,
      windowMs: options.windowMs,
      generators: options.generators,
      busyConnections: BUSY_CONNECTIONS,
    },
    generator: own,
    foreignShare: { median: median(foreign), max: Math.max(...foreign) },
    runtime,
    footprint,
    faults: rounds.faults,
    closed,
    open,
  };
}

function isMeasured({ peers }) {
  return Object.values(peers).every((results) => results.length > 0);
}

function closedCell({ work, connections, peers: { bare, nestor } }) {
  const ratio = (of) => median(nestor.map((result, round) => of(result) / of(bare[round])));
  const figures = (results) => ({
    perSecond: median(results.map((result) => result.perSecond)),
    cpuUs: median(results.map((result) => result.cpuUs)),
    sessionUs: median(results.map((result) => result.sessionUs)),
    generatorUs: median(results.map((result) => result.generatorUs)),
    ...common(results),
    notAnswered: results.reduce((sum, { failed, refused }) => sum + failed + refused, 0),
  });
  return {
    work: work.name,
    about: work.about,
    model: work.model,
    form: work.form,
    connections,
    bare: figures(bare),
    nestor: { ...figures(nestor), stages: stages(nestor) },
    ratio: {
      cpu: ratio((result) => result.cpuUs),
      perSecond: ratio((result) => result.perSecond),
      p50: ratio((result) => result.latencies.quantile(0.5)),
    },
  };
}

function openCell({ work, percent, capacity, ratePerSecond, peers }) {
  const figures = (results) => {
    const of = (key) => median(results.map((result) => result[key]));
    return {
      offeredPerSecond: of('offeredPerSecond'),
      goodPerSecond: of('goodPerSecond'),
      refusedShare: of('refusedShare'),
      lateShare: of('lateShare'),
      missedShare: of('missedShare'),
      latenessP99Ms: median(results.map(({ lateness }) => lateness.quantile(0.99))),
      ...common(results),
    };
  };
  return {
    work: work.name,
    about: work.about,
    percent,
    capacity,
    ratePerSecond,
    bare: figures(peers.bare),
    nestor: figures(peers.nestor),
  };
}

/** How much of a server's best goodput with this work each load leaves it. */
function withShareOfPeak(cells) {
  const peakOf = (work, peer) =>
    Math.max(...cells.filter((cell) => cell.work === work).map((cell) => cell[peer].goodPerSecond));
  const shared = (cell, peer) => {
    const goodShareOfPeak = cell[peer].goodPerSecond / peakOf(cell.work, peer);
    return { ...cell[peer], goodShareOfPeak };
  };
  return cells.map((cell) => ({ ...cell, bare: shared(cell, 'bare'), nestor: shared(cell, 'nestor') }));
}

function common(results) {
  const quantile = (key, q) => median(results.map((result) => result[key].quantile(q)));
  return {
    p50Ms: quantile('latencies', 0.5),
    p99Ms: quantile('latencies', 0.99),
    liveP50Ms: quantile('live', 0.5),
    liveP99Ms: quantile('live', 0.99),
    liveMaxMs: Math.max(...results.map(({ live }) => live.maxMs)),
    foreignShare: median(results.map((result) => result.foreignShare)),
  };
}

/** Undefined when the server did not tell. */
function stages(results) {
  const told = results.flatMap((result) => (result.stages ? [result.stages] : []));
  if (told.length === 0) return undefined;
  return Object.fromEntries(
    Object.keys(told[0]).map((key) => [key, median(told.map((round) => round[key]))]),
  );
}

module.exports = { summarize };
