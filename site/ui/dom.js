// A few lines in place of a framework. No style attributes and no innerHTML: the page runs under default-src 'self'.
export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  set(el, props);
  el.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}
function set(el, props) {
  for (const [k, v] of Object.entries(props ?? {})) {
    if (v === undefined || v === null || v === false) continue;
    if (k.startsWith('on')) el.addEventListener(k.slice(2), v);
    else if (k === 'class') el.setAttribute('class', v);
    else if (k in el && typeof v !== 'string') el[k] = v;
    else el.setAttribute(k, v === true ? '' : v);
  }
}
const NS = 'http://www.w3.org/2000/svg';
export function svg(tag, props, ...children) {
  const el = document.createElementNS(NS, tag);
  for (const [k, v] of Object.entries(props ?? {})) el.setAttribute(k, v);
  el.append(...children);
  return el;
}
/** Changes a text only where it differs, so that selections and screen readers are left in peace. */
export function text(el, value) {
  if (el.textContent !== value) el.textContent = value;
}
export function swap(el, ...children) {
  el.replaceChildren(...children.flat(Infinity).filter(Boolean));
}
export function say(words) {
  const el = document.getElementById('say');
  el.textContent = '';
  requestAnimationFrame(() => (el.textContent = words));
}
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let ids = 0;
export const id = (p) => `${p}${++ids}`;

/** Copies, also where the page came over plain HTTP from another machine and `navigator.clipboard` is missing. */
export async function copy(value, button) {
  let done = false;
  try {
    await navigator.clipboard.writeText(value);
    done = true;
  } catch {
    const area = h('textarea', { class: 'sr', 'aria-hidden': 'true' });
    area.value = value;
    document.body.append(area);
    area.select();
    try {
      done = document.execCommand('copy');
    } catch {
      /* says so below */
    }
    area.remove();
    button.focus();
  }
  const was = button.textContent;
  button.textContent = done ? 'Copied' : 'Press Ctrl+C';
  say(done ? 'Copied' : 'Could not copy');
  setTimeout(() => (button.textContent = was), 1400);
}

/** A line over the last minute. Starts at zero and says its highest value, so that it can be read without an axis. */
export function spark(w, hgt) {
  const line = svg('path', { class: 'ln', fill: 'none', 'vector-effect': 'non-scaling-stroke' });
  const second = svg('path', { class: 'ln two', fill: 'none', 'vector-effect': 'non-scaling-stroke' });
  const area = svg('path', { class: 'ar' });
  const el = svg(
    'svg',
    { viewBox: `0 0 ${w} ${hgt}`, preserveAspectRatio: 'none', class: 'spark', role: 'img' },
    area,
    second,
    line,
  );
  el.draw = (a, b, words) => {
    const top = Math.max(...a.filter(Number.isFinite), ...(b ?? []).filter(Number.isFinite), 0) || 1;
    const at = (s) => {
      let d = '',
        up = true;
      s.forEach((v, i) => {
        if (v === null || v === undefined) {
          up = true;
          return;
        }
        d += `${up ? 'M' : 'L'}${((i / (s.length - 1)) * w).toFixed(1)} ${(hgt - 1 - (v / top) * (hgt - 3)).toFixed(1)}`;
        up = false;
      });
      return d;
    };
    line.setAttribute('d', at(a));
    second.setAttribute('d', b ? at(b) : '');
    const first = a.findIndex((v) => v !== null);
    area.setAttribute(
      'd',
      b || first < 0 ? '' : `${at(a)}L${w} ${hgt}L${((first / (a.length - 1)) * w).toFixed(1)} ${hgt}Z`,
    );
    el.setAttribute('aria-label', words);
    return top;
  };
  return el;
}

/** Where the time went: one bar, its parts in the order in which they happen, and their numbers below. */
export const STAGES = [
  ['queue', 'queue'],
  ['decode', 'decode'],
  ['run', 'run'],
  ['encode', 'encode'],
];
export function stageBar(stages, fmt) {
  const parts = STAGES.filter(([k]) => stages[k] !== undefined && stages[k] !== null);
  const total = parts.reduce((s, [k]) => s + stages[k], 0) || 1;
  const bar = h(
    'div',
    { class: 'stages', 'aria-hidden': 'true' },
    parts.map(([k]) => {
      const el = h('i', { class: `st ${k}` });
      el.style.flexGrow = String(Math.max(stages[k] / total, 0.006));
      return el;
    }),
  );
  return h(
    'div',
    { class: 'stagebox' },
    bar,
    h(
      'dl',
      { class: 'legend' },
      parts.map(([k, w]) =>
        h(
          'div',
          null,
          h('dt', null, h('i', { class: `key ${k}`, 'aria-hidden': 'true' }), w),
          h('dd', null, fmt(stages[k])),
        ),
      ),
    ),
  );
}
