// Answers by kind of output: bars, boxes, vectors, texts, else JSON. Returns what a screen reader should say.
import { cosine, labelsOf, number, percent, pretty } from './words.js';
import { css, h, swap } from './dom.js';

export function showAnswer(el, got, m, { form, kind }) {
  const r = got.answer.result;
  const parts = [];
  let words = 'Answered';
  const declared = (m.declared?.outputs ?? []).filter((d) => d.name in r && SHOW[d.type]);
  if (declared.length > 0) {
    const said = declared.map((d) => {
      const [part, w] = SHOW[d.type](r[d.name], form);
      parts.push(declared.length > 1 && h('h3', null, d.name), part);
      return w;
    });
    words = said.join('; ');
    if (got.answer.truncated)
      parts.push(h('p', { class: 'note warn' }, 'The text was longer than the model takes, and was cut.'));
  } else {
    const outs = Object.entries(r);
    const probs = outs.find(([, v]) => isProbs(v));
    const named = (k) => labelsOf(m, k) ?? (probs && labelsOf(m, probs[0]));
    const label = outs.find(
      ([k, v]) => Array.isArray(v) && v.every((x) => typeof x !== 'object') && /label|class|pred/i.test(k),
    );
    if (probs) {
      const rows = probs[1];
      const labels = labelsOf(m, probs[0]);
      const name = (i) => labels?.[i] ?? String(i);
      const best = (p) => p.indexOf(Math.max(...p));
      if (rows.length === 1) {
        const p = rows[0],
          b = best(p);
        parts.push(
          winner(name(b), p[b], kind === 'pad'),
          bars(
            inOrder(p).map((i) => [name(i), p[i]]),
            p.length <= 12,
          ),
        );
        words = `${name(b)}, ${percent(p[b])}`;
      } else {
        parts.push(
          many(
            rows.map((p, i) => {
              const b = best(p);
              return [label ? (labels?.[label[1][i]] ?? String(label[1][i])) : name(b), p[b]];
            }),
          ),
        );
        words = `${rows.length} answers`;
      }
    } else if (label && outs.length === 1) {
      parts.push(
        h(
          'ul',
          { class: 'plainlist' },
          label[1].slice(0, 100).map((x) => h('li', null, h('b', null, named(label[0])?.[x] ?? String(x)))),
        ),
      );
      words = label[1].length === 1 ? String(label[1][0]) : `${label[1].length} answers`;
    } else if (outs.length === 1 && typeof [].concat(outs[0][1]).flat(9)[0] === 'string') {
      parts.push(h('blockquote', null, [].concat(outs[0][1]).flat(9).join('\n')));
      words = [].concat(outs[0][1]).flat(9)[0];
    } else {
      parts.push(
        h(
          'dl',
          { class: 'tensors' },
          outs.map(([k, v]) =>
            h(
              'div',
              null,
              h('dt', { class: 'mono' }, k),
              h('dd', null, `${dims(v).join(' × ') || 'one value'} · ${summary(v)}`),
            ),
          ),
        ),
      );
    }
  }
  swap(el, parts, rawJson(got.raw, got.answer));
  return words;
}
/** Declared outputs by type: what to show, and what to say of it. */
const SHOW = {
  classification(value) {
    const rows = Array.isArray(value[0]) ? value : [value];
    if (rows.length > 1)
      return [many(rows.map(([best]) => [best.label, best.score])), `${rows.length} answers`];
    const list = rows[0];
    if (list.length === 0) return [h('p', { class: 'wait' }, 'No label.'), 'No label'];
    return [
      [winner(list[0].label, list[0].score), bars(list.map((x) => [x.label, x.score]))],
      `${list[0].label}, ${scored(list[0].score)}`,
    ];
  },
  detection: (value, form) => boxes(Array.isArray(value[0]) ? value[0] : value, form),
  embedding: (value) => vectors(Array.isArray(value[0]) ? value : [value]),
  ctc(value) {
    const list = [].concat(value);
    return [
      list.map((x) =>
        h(
          'figure',
          { class: 'said' },
          h('blockquote', null, x.text),
          h('figcaption', { class: 'faint' }, percent(x.score)),
        ),
      ),
      list.map((x) => x.text).join('; '),
    ];
  },
  rerank(value) {
    const list = [].concat(value);
    return [
      list.map((x) =>
        h('p', { class: 'winner' }, h('b', null, String(Number(x.toPrecision(4)))), h('span', null, 'score')),
      ),
      `score ${list.map((x) => x.toPrecision(3)).join(', ')}`,
    ];
  },
  regression(value) {
    const list = [].concat(value);
    const rows = list.map((x) => (typeof x === 'object' ? Object.entries(x) : [['', x]]));
    const said = (row) => row.map(([name, x]) => `${name} ${Number(x).toPrecision(4)}`.trim()).join(', ');
    return [
      rows.map((row) => h('p', { class: 'winner' }, h('b', null, said(row)))),
      rows.map(said).join('; '),
    ];
  },
  mask(value) {
    const list = [].concat(value);
    const said = (m) => m.labels.map((x) => `${x.label} ${percent(x.share)}`).join(', ');
    return [list.map((m) => bars(m.labels.map((x) => [x.label, x.share]))), list.map(said).join('; ')];
  },
  tokens(value, form) {
    const list = Array.isArray(value[0]) ? value[0] : value;
    const whole = form.texts?.()[0];
    if (list.length === 0)
      return [h('p', { class: 'wait' }, 'Nothing is named in this text.'), 'Nothing found'];
    return [
      [whole && marked(whole, list), bars(list.map((x) => [`${x.text} (${x.label})`, x.score]))],
      list.map((x) => `${x.text}: ${x.label}`).join(', '),
    ];
  },
};
/** The text with what was found in it. */
function marked(whole, list) {
  const parts = [];
  let at = 0;
  for (const { start, end, label } of list) {
    if (start < at) continue;
    parts.push(whole.slice(at, start), h('mark', null, whole.slice(start, end), h('small', null, label)));
    at = end;
  }
  return h('blockquote', null, parts, whole.slice(at));
}
/** A score of a model that gives no probabilities is a number. */
const scored = (x) => (x >= 0 && x <= 1 ? percent(x) : String(Number(x.toPrecision(4))));
const widthOf = (x) => `${Math.min(100, Math.max(x * 100, x > 0.0005 ? 0.6 : 0))}%`;
const isProbs = (v) =>
  Array.isArray(v) &&
  Array.isArray(v[0]) &&
  v[0].length > 1 &&
  v[0].length <= 1000 &&
  v.every(
    (p) =>
      Array.isArray(p) &&
      p.every((x) => typeof x === 'number' && x >= -1e-6 && x <= 1 + 1e-4) &&
      Math.abs(p.reduce((a, b) => a + b, 0) - 1) < 0.01,
  );
const inOrder = (p) =>
  p.length <= 12
    ? p.map((_, i) => i)
    : p
        .map((_, i) => i)
        .sort((a, b) => p[b] - p[a])
        .slice(0, 10);
const winner = (label, score, big) =>
  h('p', { class: big ? 'winner huge' : 'winner' }, h('b', null, label), h('span', null, scored(score)));
function bars(list) {
  const top = Math.max(...list.map((x) => x[1]));
  return h(
    'ol',
    { class: 'bars' },
    list.map(([l, s]) => {
      const fill = h('i', { 'aria-hidden': 'true' });
      fill.style.width = widthOf(s);
      return h(
        'li',
        { class: s === top ? 'best' : null },
        h('span', { class: 'l' }, l),
        h('span', { class: 'track' }, fill),
        h('span', { class: 'v' }, scored(s)),
      );
    }),
  );
}
function many(list) {
  return h(
    'ol',
    { class: 'bars rowsout' },
    list.slice(0, 200).map(([l, s], i) => {
      const fill = h('i', { 'aria-hidden': 'true' });
      fill.style.width = widthOf(s);
      return h(
        'li',
        { class: 'best' },
        h('span', { class: 'l' }, h('span', { class: 'faint' }, `${i + 1} `), l),
        h('span', { class: 'track' }, fill),
        h('span', { class: 'v' }, scored(s)),
      );
    }),
  );
}
function boxes(list, form) {
  if (list.length === 0) {
    form.boxes?.([]);
    return [h('p', { class: 'wait' }, 'Nothing found in this picture.'), 'Nothing found'];
  }
  form.boxes?.(list);
  const only = (i) => form.boxes?.(list, i);
  return [
    h(
      'ol',
      { class: 'bars found' },
      list.map((o, i) => {
        const fill = h('i', { 'aria-hidden': 'true' });
        fill.style.width = `${o.score * 100}%`;
        const dot = h('i', { class: 'dot', 'aria-hidden': 'true' });
        dot.style.background = `var(${form.colors[i % 5]})`;
        return h(
          'li',
          null,
          h(
            'button',
            {
              type: 'button',
              class: 'l',
              onfocus: () => only(i),
              onblur: () => only(-1),
              onmouseenter: () => only(i),
              onmouseleave: () => only(-1),
            },
            dot,
            `${i + 1} ${o.label}`,
          ),
          h('span', { class: 'track' }, fill),
          h('span', { class: 'v' }, percent(o.score)),
          h('span', { class: 'xy faint mono' }, `${o.box.map((x) => Math.round(x)).join(', ')}`),
        );
      }),
    ),
    `${list.length} found: ${list.map((o) => o.label).join(', ')}`,
  ];
}
function vectors(vs) {
  const parts = [];
  let words = `A vector of ${vs[0].length}`;
  if (vs.length === 2) {
    const c = cosine(vs[0], vs[1]);
    const near =
      c > 0.8
        ? 'mean nearly the same'
        : c > 0.55
          ? 'are about the same thing'
          : c > 0.3
            ? 'have something in common'
            : c > -0.1
              ? 'have little to do with each other'
              : 'say the opposite';
    const pin = h('i', { 'aria-hidden': 'true' });
    pin.style.left = `${((c + 1) / 2) * 100}%`;
    parts.push(
      h(
        'div',
        { class: 'cos' },
        h('p', { class: 'winner' }, h('b', null, c.toFixed(3)), h('span', null, 'cosine')),
        h('div', { class: 'scale' }, pin),
        h(
          'p',
          { class: 'ends', 'aria-hidden': 'true' },
          h('span', null, '−1'),
          h('span', null, '0'),
          h('span', null, '1'),
        ),
        h('p', null, `The two texts ${near}.`),
      ),
    );
    words = `Cosine ${c.toFixed(3)}: the two texts ${near}`;
  }
  vs.forEach((v, i) => {
    const norm = Math.hypot(...v);
    const lo = Math.min(...v),
      hi = Math.max(...v);
    const cv = h('canvas', {
      class: 'strip',
      width: v.length,
      height: 1,
      role: 'img',
      'aria-label': `Vector ${i + 1}, ${v.length} values from ${lo.toFixed(2)} to ${hi.toFixed(2)}`,
    });
    const g = cv.getContext('2d');
    const m = Math.max(-lo, hi);
    const img = g.createImageData(v.length, 1);
    const a = hex(css('--run')),
      b = hex(css('--queue2'));
    v.forEach((x, k) => {
      const c = x < 0 ? b : a;
      img.data.set([c[0], c[1], c[2], Math.min(255, (Math.abs(x) / m) * 300)], k * 4);
    });
    g.putImageData(img, 0, 0);
    parts.push(
      h(
        'figure',
        { class: 'vec' },
        cv,
        h(
          'figcaption',
          null,
          `${vs.length > 1 ? `${['First', 'Second'][i] ?? `Text ${i + 1}`}: ` : ''}${v.length} values from ${lo.toFixed(3)} to ${hi.toFixed(3)}, length ${norm.toFixed(3)}`,
          h(
            'span',
            { class: 'mono faint' },
            `[${v
              .slice(0, 4)
              .map((x) => x.toFixed(4))
              .join(', ')}, …]`,
          ),
        ),
      ),
    );
  });
  return [h('div', null, parts), words];
}
const hex = (c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16));
const dims = (v) => {
  const d = [];
  while (Array.isArray(v)) {
    d.push(v.length);
    v = v[0];
  }
  return d;
};
function summary(v) {
  const f = [v].flat(9);
  if (f.length === 1) return String(f[0]);
  if (typeof f[0] !== 'number') return f.slice(0, 4).join(', ') + (f.length > 4 ? ', …' : '');
  let lo = Infinity,
    hi = -Infinity,
    s = 0;
  for (const x of f) {
    if (x < lo) lo = x;
    if (x > hi) hi = x;
    s += x;
  }
  return `from ${Number(lo.toPrecision(4))} to ${Number(hi.toPrecision(4))}, mean ${Number((s / f.length).toPrecision(4))}`;
}
/** The whole answer as text, opened on demand and never more of it than a page can bear. */
function rawJson(raw, value) {
  const d = h('details', { class: 'raw' }, h('summary', null, `JSON, ${number(raw.length)} characters`));
  d.addEventListener('toggle', () => {
    if (!d.open || d.children.length > 1) return;
    const t = raw.length > 200000 ? raw : pretty(value);
    const pre = h('pre', { tabindex: '0', 'aria-label': 'Answer as JSON' });
    pre.textContent =
      t.length > 20000 ? `${t.slice(0, 20000)}\n… ${number(t.length - 20000)} characters more` : t;
    d.append(pre);
  });
  return d;
}
