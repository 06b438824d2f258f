const fs = require('node:fs');
const path = require('node:path');
const { short } = require('./numbers');
const { goodputPlot, latencyPlot, stagesPlot } = require('./plots');

/** Prints the tables, and writes them, the figures and the plots into the folder. */
function writeReport(folder, summary) {
  const text = markdown(summary);
  console.log(`\n${text}`);
  fs.mkdirSync(folder, { recursive: true });
  const write = (name, content) => content && fs.writeFileSync(path.join(folder, name), content);
  write('bench.json', `${JSON.stringify(summary, null, 2)}\n`);
  write('bench.md', text);
  write('bench-latency.svg', latencyPlot(summary));
  write('bench-stages.svg', stagesPlot(summary));
  write('bench-goodput.svg', goodputPlot(summary));
  console.log(`Written to ${path.relative(process.cwd(), folder) || '.'}`);
}

function markdown(summary) {
  const { runtime, closed, open, faults } = summary;
  const sections = [
    '# Benchmark',
    conditions(summary),
    ...faults.map((fault) => `${fault}.`),
    ...(closed.length > 0 ? ['## Closed loop', closedTable(closed)] : []),
    ...(closed.some(({ nestor }) => nestor.stages) ? ['## Stages', stagesTable(closed)] : []),
    ...(open.length > 0 ? ['## Open loop', openTable(open)] : []),
    ...(runtime.length > 0 ? ['## The runtime alone', runtimeTable(runtime)] : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

function conditions({ machine, settings, generator, foreignShare }) {
  const { date, cpu, cores, usableCores, memoryGb, system, node, onnxruntime, nestor, workers } = machine;
  const share = (value) => `${short(Math.max(0, value) * 100)} %`;
  return [
    `- ${date}: ${cpu}, ${cores} logical cores (${usableCores} usable), ${memoryGb} GB, ${system}`,
    `- Node ${node}, onnxruntime-node ${onnxruntime}, Nestor ${nestor}, ${workers} worker processes each`,
    `- ${settings.rounds} ${settings.rounds === 1 ? 'round' : 'rounds'} of ${settings.windowMs / 1000} s a measurement` +
      `${settings.quick ? ' (--quick: a look, not a proof)' : ''}; the load average before was ${short(machine.loadBefore)}`,
    `- the load generator (${settings.generators} ${settings.generators === 1 ? 'process' : 'processes'} on the same machine) ` +
      `takes ${short(generator.cpuUs)} us of CPU for a request of its own and sends at most ${short(generator.perSecond)} requests/s`,
    `- what else ran on the machine took ${share(foreignShare.median)} of it (median; at most ${share(foreignShare.max)})`,
  ].join('\n');
}

function closedTable(cells) {
  const head = ['work', 'clients', ''];
  head.push('req/s', 'CPU us', 'p50 ms', 'p99 ms', 'live p99 ms', 'CPU ratio', 'p50 ratio', 'not answered');
  const row = (cell, peer, [cpuRatio, p50Ratio]) => {
    const { perSecond, cpuUs, p50Ms, p99Ms, liveP99Ms, notAnswered } = cell[peer];
    const figures = [perSecond, cpuUs, p50Ms, p99Ms, liveP99Ms].map(short);
    return [cell.work, cell.connections, peer, ...figures, cpuRatio, p50Ratio, notAnswered || ''];
  };
  return table(
    head,
    cells.flatMap((cell) => [
      row(cell, 'bare', ['1', '1']),
      row(cell, 'nestor', [cell.ratio.cpu.toFixed(2), cell.ratio.p50.toFixed(2)]),
    ]),
  );
}

function stagesTable(cells) {
  const head = ['work', 'clients', 'queue us', 'decode us', 'run us', 'encode us', 'rows in a run'];
  head.push('CPU us', 'of session threads');
  const told = cells.filter(({ nestor }) => nestor.stages);
  return table(
    head,
    told.map(({ work, connections, nestor: { stages, cpuUs, sessionUs } }) => {
      const { queueUs, decodeUs, runUs, encodeUs, batchRows } = stages;
      const figures = [queueUs, decodeUs, runUs, encodeUs, batchRows, cpuUs, sessionUs];
      return [work, connections, ...figures.map(short)];
    }),
  );
}

function openTable(cells) {
  const head = ['work', 'load', '', 'offered/s', 'good/s', 'refused', 'late', 'missed', 'p99 ms', 'live p99 ms'];
  head.push('generator late p99 ms');
  const share = (value) => `${(value * 100).toFixed(1)} %`;
  return table(
    head,
    cells.flatMap((cell) =>
      ['bare', 'nestor'].map((peer) => {
        const { offeredPerSecond, goodPerSecond, refusedShare, lateShare, missedShare, ...rest } = cell[peer];
        const shares = [refusedShare, lateShare, missedShare].map(share);
        const times = [rest.p99Ms, rest.liveP99Ms, rest.latenessP99Ms].map(short);
        return [cell.work, `${cell.percent} %`, peer, short(offeredPerSecond), short(goodPerSecond), ...shares, ...times];
      }),
    ),
  );
}

function runtimeTable(results) {
  return table(
    ['model', 'processes', 'runs/s', 'CPU us a run'],
    results.map(({ model, processes, perSecond, cpuUs }) => [model, processes, short(perSecond), short(cpuUs)]),
  );
}

/** A Markdown table that can be read as it is; all columns but those with words are set right. */
function table(head, rows) {
  const lines = [head, ...rows].map((cells) => cells.map(String));
  const widths = head.map((_, column) => Math.max(3, ...lines.map((cells) => cells[column].length)));
  const isNumeric = (column) => rows.every((cells) => !/[a-z]/i.test(cells[column]));
  const line = (cells) =>
    `| ${cells.map((cell, i) => (isNumeric(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join(' | ')} |`;
  const rule = widths.map((width, i) => (isNumeric(i) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(lines[0]), `| ${rule.join(' | ')} |`, ...lines.slice(1).map(line)].join('\n');
}

module.exports = { writeReport };
