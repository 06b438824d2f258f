const fs = require('node:fs');
const path = require('node:path');
const { short } = require('./numbers');
const { footprintPlot, goodputPlot, latencyPlot, stagesPlot } = require('./plots');
const { closedTable, footprintTable, openTable, percent, runtimeTable, stagesTable } = require('./tables');

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
  write('bench-footprint.svg', footprintPlot(summary));
  console.log(`Written to ${path.relative(process.cwd(), folder) || '.'}`);
}

/** bench/README.md tells what each figure means. */
function markdown(summary) {
  const sections = [
    ['Closed loop', closedTable(summary.closed)],
    ['Stages', stagesTable(summary.closed)],
    ['Open loop', openTable(summary.open)],
    ['The runtime alone', runtimeTable(summary.runtime)],
    ['Memory and start', footprintTable(summary.footprint)],
  ];
  const shown = sections
    .filter(([, table]) => table !== '')
    .map(([title, table]) => `## ${title}\n\n${table}`);
  const faults = summary.faults.map((fault) => `${fault}.`);
  return `${['# Benchmark', conditions(summary), ...faults, ...shown].join('\n\n')}\n`;
}

function conditions({ machine, settings, generator, foreignShare }) {
  const { date, cpu, cores, usableCores, memoryGb, system, node, onnxruntime, nestor, workers } = machine;
  const { rounds, windowMs, generators, quick } = settings;
  const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;
  return [
    `- ${date}: ${cpu}, ${cores} logical cores (${usableCores} usable), ${memoryGb} GB, ${system}`,
    `- Node ${node}, onnxruntime-node ${onnxruntime}, Nestor ${nestor}, ${workers} worker processes each`,
    `- ${plural(rounds, 'round', 'rounds')}, ${windowMs / 1000} s a measurement${quick ? ' (--quick: a look, not a proof)' : ''}`,
    `- the load generator (${plural(generators, 'process', 'processes')} on the same machine) takes ` +
      `${short(generator.cpuUs)} us of CPU a request and sends at most ${short(generator.perSecond)} requests/s`,
    `- what else ran on the machine took ${percent(foreignShare.median, 0)} of it (median; at most ` +
      `${percent(foreignShare.max, 0)}); load average before: ${short(machine.loadBefore)}`,
  ].join('\n');
}

module.exports = { writeReport };
