const FONT = 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif';

/** Each colour by day and by night: `s-` classes stroke with it, `f-` classes fill. */
const COLOURS = {
  paper: ['#ffffff', '#0d1117'],
  ink: ['#1f2328', '#e6edf3'],
  muted: ['#59636e', '#9198a1'],
  grid: ['#e4e8ec', '#2a313a'],
  bare: ['#bc5a00', '#f0883e'],
  nestor: ['#0860ca', '#58a6ff'],
  decode: ['#0a7b83', '#39c5cf'],
  run: ['#0860ca', '#58a6ff'],
  encode: ['#8250df', '#bc8cff'],
  rest: ['#9aa4af', '#6e7681'],
};

/** A whole SVG file; the background is its own, so that it can be read on any page. */
function documentOf({ width, height, title, parts }) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>
text{font:12px ${FONT}}.small{font-size:10px}.title{font-size:15px;font-weight:600}.head{font-weight:600}
.line{fill:none;stroke-width:2;stroke-linejoin:round}.thin{stroke-width:1}.dash{stroke-dasharray:4 4}
${rules(0)}
@media (prefers-color-scheme: dark){
${rules(1)}
}
</style>
<rect class="f-paper" width="${width}" height="${height}" rx="6"/>
${text(20, 28, title, 'f-ink title')}
${parts.join('\n')}
</svg>
`;
}

function rules(scheme) {
  return Object.entries(COLOURS)
    .map(([name, colours]) => `.s-${name}{stroke:${colours[scheme]}}.f-${name}{fill:${colours[scheme]}}`)
    .join('\n');
}

function text(x, y, content, classes, anchor = 'start') {
  return `<text x="${round(x)}" y="${round(y)}" class="${classes}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function line(x1, y1, x2, y2, classes) {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${classes}"/>`;
}

function polyline(points, classes) {
  return `<polyline points="${points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ')}" class="line ${classes}"/>`;
}

function rect(x, y, width, height, classes) {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(Math.max(0, width))}" height="${round(height)}" class="${classes}"/>`;
}

function dot(x, y, classes) {
  return `<circle cx="${round(x)}" cy="${round(y)}" r="3" class="${classes}"/>`;
}

/** One entry for each name and its words, side by side. */
function legend(x, y, entries) {
  let at = x;
  return entries.map(([name, words]) => {
    const entry = rect(at, y - 9, 10, 10, `f-${name}`) + text(at + 15, y, words, 'f-ink');
    at += 15 + words.length * 6.3 + 24;
    return entry;
  });
}

/** From 0 to a round number above the largest, in about so many steps. */
function linearScale(largest, from, to, steps = 4) {
  const step = niceStep(largest / steps);
  const top = Math.ceil(largest / step - 1e-9) * step;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
  return { at: (value) => from + (value / top) * (to - from), ticks };
}

/** Over whole steps of 1, 2 and 5 times powers of ten that hold all the values. */
function logScale(values, from, to) {
  const all = [];
  for (let power = -4; power <= 7; power++) for (const digit of [1, 2, 5]) all.push(digit * 10 ** power);
  const low = all.findLast((tick) => tick <= Math.min(...values)) ?? all[0];
  const high = all.find((tick) => tick >= Math.max(...values)) ?? all.at(-1);
  const span = Math.log(high / low) || 1;
  const inside = all.filter((tick) => tick >= low && tick <= high);
  const decades = inside.filter((tick) => /^[0.]*10*$/.test(String(tick)));
  return {
    at: (value) => from + (Math.log(value / low) / span) * (to - from),
    ticks: decades.length >= 3 ? decades : inside,
  };
}

function niceStep(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return [1, 2, 5, 10].find((digit) => digit * power >= step) * power;
}

/** Ticks, grid and words of a plot's two axes. */
function axes({ left, top, right, bottom }, x, y, { xLabel, yLabel, xTick = compact, yTick = compact }) {
  return [
    ...y.ticks.map((tick) => line(left, y.at(tick), right, y.at(tick), 's-grid thin')),
    ...y.ticks.map((tick) => text(left - 6, y.at(tick) + 4, yTick(tick), 'f-muted small', 'end')),
    ...x.ticks.map((tick) => line(x.at(tick), bottom, x.at(tick), bottom + 4, 's-muted thin')),
    ...x.ticks.map((tick) => text(x.at(tick), bottom + 16, xTick(tick), 'f-muted small', 'middle')),
    line(left, bottom, right, bottom, 's-muted thin'),
    text(right, bottom + 30, xLabel, 'f-muted small', 'end'),
    text(left, top - 8, yLabel, 'f-muted small', 'start'),
  ];
}

function compact(value) {
  return value >= 10_000 ? `${value / 1000}k` : String(Number(value.toPrecision(6)));
}

function escaped(content) {
  return String(content).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function round(value) {
  return Math.round(value * 10) / 10;
}

module.exports = { axes, documentOf, dot, legend, line, linearScale, logScale, polyline, rect, text };
