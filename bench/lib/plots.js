const { short } = require('./numbers');
const { axes, documentOf, dot, legend, line, linearScale, logScale, polyline, rect, text } = require('./svg');
const { FORMS } = require('./works');

const PANEL = { width: 290, height: 210, left: 48, right: 14, top: 34, bottom: 44 };
const MARGIN = 20;
const HEAD = 62;
const FOOT = 18;
const NO_SCALE = { ticks: [], at: () => 0 };
const PEERS = [
  ['nestor', 'Nestor'],
  ['bare', 'bare node:http script'],
];

/** Throughput against latency, a panel for each model and form. */
function latencyPlot({ closed, machine }) {
  if (closed.length === 0) return undefined;
  const models = [...new Set(closed.map(({ model }) => model))];
  const forms = [...new Set(closed.map(({ form }) => form))];
  const panels = forms.flatMap((form, row) =>
    models.flatMap((model, column) => {
      const cells = closed.filter((cell) => cell.model === model && cell.form === form);
      return cells.length === 0
        ? []
        : latencyPanel(cells, `${model}, ${FORMS[form].about}`, boxOf(column, row));
    }),
  );
  const clients = [...new Set(closed.map(({ connections }) => connections))].join(', ');
  return page('Latency against throughput', machine, models.length, forms.length, [
    ...legend(MARGIN, 48, PEERS),
    text(MARGIN + 250, 48, `dot: p50 with ${clients} clients; whisker: to p99`, 'f-muted'),
    ...panels,
  ]);
}

function latencyPanel(cells, title, box) {
  const of = (key) => cells.flatMap((cell) => PEERS.map(([peer]) => cell[peer][key])).filter(Number.isFinite);
  const x = linearScale(Math.max(...of('perSecond')), box.left, box.right);
  const y = logScale([...of('p50Ms'), ...of('p99Ms')], box.bottom, box.top);
  return [
    text(box.left, box.top - 22, title, 'f-ink head'),
    ...axes(box, x, y, { xLabel: 'requests/s', yLabel: 'ms' }),
    ...PEERS.toReversed().flatMap(([peer]) => {
      const points = cells.map((cell) => ({ ...cell[peer], connections: cell.connections }));
      return [
        ...points.map(({ perSecond, p50Ms, p99Ms }) =>
          line(x.at(perSecond), y.at(p50Ms), x.at(perSecond), y.at(p99Ms), `s-${peer} thin`),
        ),
        polyline(
          points.map(({ perSecond, p50Ms }) => [x.at(perSecond), y.at(p50Ms)]),
          `s-${peer}`,
        ),
        ...points.map(({ perSecond, p50Ms }) => dot(x.at(perSecond), y.at(p50Ms), `f-${peer}`)),
      ];
    }),
  ];
}

const BAR = { height: 14, gap: 8, left: 190, width: 600, words: 80 };
const STAGES = [
  ['run', 'session threads: run and their side of the hop'],
  ['decode', 'decode'],
  ['encode', 'encode'],
  ['rest', 'HTTP, socket, log, scheduling'],
];

/** Where a request's CPU time goes, as a multiple of what the whole request costs the bare script. */
function stagesPlot({ closed, machine, settings }) {
  const few = Math.min(...closed.map(({ connections }) => connections));
  const shown = [few, settings.busyConnections];
  const cells = closed.filter(
    ({ connections, nestor, ratio }) =>
      shown.includes(connections) && nestor.stages && Number.isFinite(ratio.cpu),
  );
  if (cells.length === 0) return undefined;
  const top = HEAD + 8;
  const right = BAR.left + BAR.width;
  const bottom = top + cells.length * (BAR.height + BAR.gap) + BAR.gap;
  const height = bottom + 40 + FOOT;
  const x = linearScale(Math.max(1, ...cells.map(({ ratio }) => ratio.cpu)), BAR.left, right, 6);
  const box = { left: BAR.left, right, top, bottom };
  return documentOf({
    width: right + BAR.words,
    height,
    title: 'CPU time of a request by stage; the whole request in the bare script = 1',
    parts: [
      ...legend(MARGIN, 48, STAGES),
      ...axes(box, x, NO_SCALE, { xLabel: 'dashed: bare script', yLabel: '' }),
      line(x.at(1), top, x.at(1), bottom, 's-bare dash'),
      ...cells.flatMap((cell, i) => stageBar(cell, x, top + BAR.gap + i * (BAR.height + BAR.gap))),
      caption(machine, height),
    ],
  });
}

function stageBar({ work, connections, nestor: { stages, cpuUs, sessionUs }, ratio }, x, y) {
  // Decoding and encoding are clocked on the wall: on a busy machine that can be more than they use of a core.
  const clockedUs = stages.decodeUs + stages.encodeUs;
  const fits = Math.min(1, (cpuUs - sessionUs) / clockedUs);
  const parts = { run: sessionUs, decode: stages.decodeUs * fits, encode: stages.encodeUs * fits };
  parts.rest = cpuUs - parts.run - parts.decode - parts.encode;
  let us = 0;
  const bar = STAGES.map(([name]) => {
    const from = x.at((us / cpuUs) * ratio.cpu);
    us += parts[name];
    return rect(from, y, x.at((us / cpuUs) * ratio.cpu) - from, BAR.height, `f-${name}`);
  });
  const clients = connections === 1 ? '1 client' : `${connections} clients`;
  return [
    text(BAR.left - 8, y + 11, `${work}, ${clients}`, 'f-ink', 'end'),
    ...bar,
    text(BAR.left + BAR.width + BAR.words - 14, y + 11, `${short(cpuUs)} us`, 'f-muted', 'end'),
  ];
}

/** What is answered in time under load that does not wait, up to ten times the capacity. */
function goodputPlot({ open, machine }) {
  if (open.length === 0) return undefined;
  const works = [...new Set(open.map(({ work }) => work))];
  const panels = works.flatMap((work, column) => {
    const cells = open.filter((cell) => cell.work === work);
    return goodputPanel(cells, boxOf(column, 0));
  });
  return page('Goodput under overload', machine, works.length, 1, [
    ...legend(MARGIN, 48, PEERS),
    text(MARGIN + 250, 48, 'dashed: all that the capacity allows', 'f-muted'),
    ...panels,
  ]);
}

function goodputPanel(cells, box) {
  const percents = cells.map(({ percent }) => percent);
  const [{ work, capacity }] = cells;
  const good = cells.flatMap((cell) => PEERS.map(([peer]) => cell[peer].goodPerSecond));
  const x = logScale(percents, box.left, box.right);
  const y = linearScale(Math.max(capacity, ...good), box.bottom, box.top);
  const ideal = [...percents, 100].sort((a, b) => a - b);
  return [
    text(box.left, box.top - 22, `${work} (100 % = ${short(capacity)}/s)`, 'f-ink head'),
    ...axes(box, { ...x, ticks: [...new Set(percents)] }, y, {
      xLabel: 'offered load, % of capacity',
      yLabel: 'answers/s within 100 ms',
    }),
    polyline(
      ideal.map((percent) => [x.at(percent), y.at((capacity * Math.min(100, percent)) / 100)]),
      's-muted thin dash',
    ),
    ...PEERS.toReversed().flatMap(([peer]) => {
      const points = cells.map((cell) => [x.at(cell.percent), y.at(cell[peer].goodPerSecond)]);
      return [polyline(points, `s-${peer}`), ...points.map(([px, py]) => dot(px, py, `f-${peer}`))];
    }),
  ];
}

/** Memory and CPU of a start, by number of workers. */
function footprintPlot({ footprint, machine }) {
  if (footprint.length === 0) return undefined;
  return page('What a server takes, by number of workers', machine, 2, 1, [
    ...legend(MARGIN, 48, PEERS),
    ...footprintPanel(
      footprint,
      'pssMb',
      'Memory when each model has run',
      'MB, shared pages once',
      boxOf(0, 0),
    ),
    ...footprintPanel(footprint, 'startCpuMs', 'CPU time of a start', 'ms', boxOf(1, 0)),
  ]);
}

function footprintPanel(results, key, title, yLabel, box) {
  const counts = [...new Set(results.map(({ workers }) => workers))];
  const y = linearScale(Math.max(...results.map((result) => result[key])), box.bottom, box.top);
  const width = (box.right - box.left) / counts.length;
  const middle = (workers) => box.left + (counts.indexOf(workers) + 0.5) * width;
  const bar = width * 0.3;
  return [
    text(box.left, box.top - 22, title, 'f-ink head'),
    ...axes(box, { ticks: counts, at: middle }, y, { xLabel: 'workers', yLabel }),
    ...results.map((result) => {
      const side = PEERS.findIndex(([peer]) => peer === result.name);
      const top = y.at(result[key]);
      return rect(middle(result.workers) + (side - 1) * bar, top, bar, box.bottom - top, `f-${result.name}`);
    }),
  ];
}

/** Where the panel in this column and row has its axes. */
function boxOf(column, row) {
  const left = MARGIN + column * PANEL.width;
  const top = HEAD + row * PANEL.height;
  return {
    left: left + PANEL.left,
    right: left + PANEL.width - PANEL.right,
    top: top + PANEL.top,
    bottom: top + PANEL.height - PANEL.bottom,
  };
}

function page(title, machine, columns, rows, parts) {
  const width = 2 * MARGIN + Math.max(2, columns) * PANEL.width;
  const height = HEAD + rows * PANEL.height + FOOT;
  return documentOf({ width, height, title, parts: [...parts, caption(machine, height)] });
}

function caption({ cpu, usableCores, node, onnxruntime, date }, height) {
  const words = `${cpu}, ${usableCores} cores, Node ${node}, onnxruntime-node ${onnxruntime}, ${date}`;
  return text(MARGIN, height - 10, words, 'f-muted small');
}

module.exports = { footprintPlot, goodputPlot, latencyPlot, stagesPlot };
