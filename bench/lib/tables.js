const { short } = require('./numbers');

const PEERS = ['bare', 'nestor'];

/** Each column is its heading and what it shows of a row; a row of these two is one peer in one cell. */
const CLOSED = [
  ['work', ({ cell }) => cell.work],
  ['clients', ({ cell }) => cell.connections],
  ['', ({ peer }) => peer],
  ['req/s', ({ figures }) => short(figures.perSecond)],
  ['CPU us', ({ figures }) => short(figures.cpuUs)],
  ['p50 ms', ({ figures }) => short(figures.p50Ms)],
  ['p99 ms', ({ figures }) => short(figures.p99Ms)],
  ['live p99 ms', ({ figures }) => short(figures.liveP99Ms)],
  ['CPU ratio', ({ cell, peer }) => ratio(peer, cell.ratio.cpu)],
  ['p50 ratio', ({ cell, peer }) => ratio(peer, cell.ratio.p50)],
  ['not answered', ({ figures }) => figures.notAnswered || ''],
  ['others', ({ figures }) => percent(figures.foreignShare, 0)],
];

const OPEN = [
  ['work', ({ cell }) => cell.work],
  ['load', ({ cell }) => `${cell.percent} %`],
  ['', ({ peer }) => peer],
  ['offered/s', ({ figures }) => short(figures.offeredPerSecond)],
  ['good/s', ({ figures }) => short(figures.goodPerSecond)],
  ['of its peak', ({ figures }) => percent(figures.goodShareOfPeak, 0)],
  ['refused', ({ figures }) => percent(figures.refusedShare, 1)],
  ['late', ({ figures }) => percent(figures.lateShare, 1)],
  ['missed', ({ figures }) => percent(figures.missedShare, 1)],
  ['p99 ms', ({ figures }) => short(figures.p99Ms)],
  ['live p99 ms', ({ figures }) => short(figures.liveP99Ms)],
  ['generator late p99 ms', ({ figures }) => short(figures.latenessP99Ms)],
  ['others', ({ figures }) => percent(figures.foreignShare, 0)],
];

const STAGES = [
  ['work', ({ work }) => work],
  ['clients', ({ connections }) => connections],
  ['queue us', ({ nestor }) => short(nestor.stages.queueUs)],
  ['decode us', ({ nestor }) => short(nestor.stages.decodeUs)],
  ['run us', ({ nestor }) => short(nestor.stages.runUs)],
  ['encode us', ({ nestor }) => short(nestor.stages.encodeUs)],
  ['rows in a run', ({ nestor }) => short(nestor.stages.batchRows)],
  ['CPU us', ({ nestor }) => short(nestor.cpuUs)],
  ['of session threads', ({ nestor }) => short(nestor.sessionUs)],
];

const RUNTIME = [
  ['model', ({ model }) => model],
  ['processes', ({ processes }) => processes],
  ['runs/s', ({ perSecond }) => short(perSecond)],
  ['CPU us a run', ({ cpuUs }) => short(cpuUs)],
];

const FOOTPRINT = [
  ['workers', ({ workers }) => workers],
  ['', ({ name }) => name],
  ['CPU of the start, ms', ({ startCpuMs }) => short(startCpuMs)],
  ['memory, MB', ({ pssMb }) => short(pssMb)],
];

function closedTable(cells) {
  return table(CLOSED, byPeer(cells));
}

function openTable(cells) {
  return table(OPEN, byPeer(cells));
}

/** Empty when the server told nothing. */
function stagesTable(cells) {
  return table(
    STAGES,
    cells.filter(({ nestor }) => nestor.stages),
  );
}

function runtimeTable(results) {
  return table(RUNTIME, results);
}

function footprintTable(results) {
  return table(FOOTPRINT, results);
}

function byPeer(cells) {
  return cells.flatMap((cell) => PEERS.map((peer) => ({ cell, peer, figures: cell[peer] })));
}

function ratio(peer, value) {
  if (!Number.isFinite(value)) return '-';
  return peer === 'bare' ? '1' : value.toFixed(2);
}

function percent(share, digits) {
  return `${(Math.max(0, share) * 100).toFixed(digits)} %`;
}

/** A Markdown table that can be read as it is; columns without words are set right. Empty without rows. */
function table(columns, rows) {
  if (rows.length === 0) return '';
  const body = rows.map((row) => columns.map(([, show]) => String(show(row))));
  const head = columns.map(([heading]) => heading);
  const layout = head.map((heading, i) => ({
    width: Math.max(3, heading.length, ...body.map((cells) => cells[i].length)),
    isNumeric: body.every((cells) => !/[a-z]/i.test(cells[i])),
  }));
  const line = (cells) =>
    `| ${layout.map(({ width, isNumeric }, i) => (isNumeric ? cells[i].padStart(width) : cells[i].padEnd(width))).join(' | ')} |`;
  const rule = layout.map(({ width, isNumeric }) =>
    isNumeric ? '-:'.padStart(width, '-') : '-'.repeat(width),
  );
  return [line(head), `| ${rule.join(' | ')} |`, ...body.map(line)].join('\n');
}

module.exports = { closedTable, footprintTable, openTable, percent, runtimeTable, stagesTable };
