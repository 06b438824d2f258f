// Forms by kind of input. Each gives { el, body(forCode), mark?(fault), ok?(), close?() }; body() is
// { text, type, json } for JSON and { bytes, type, file } for a picture, or null where there is nothing yet.
import * as api from './api.js';
import { columns, padSize, parseTable, pretty, number } from './words.js';
import { css, h, id, swap, text } from './dom.js';

const asJson = (json) => ({ json, text: JSON.stringify(json), type: 'application/json' });
const bad = (message, extra) => Object.assign(new Error(message), extra);

/* a drawing pad for small square inputs */
function padForm(m, form) {
  const n = padSize(m),
    input = m.inputs[0];
  const deep = input.shape.length === 4;
  const flat = m.example
    ? (JSON.stringify(m.example)
        .match(/-?\d+(\.\d+)?/g)
        ?.map(Number) ?? [])
    : [];
  const full = Math.max(1, ...flat.slice(-n * n));
  let cells = new Float32Array(n * n),
    strokes = [],
    cursor = null,
    hand = false,
    timer = 0;
  const canvas = h('canvas', {
    class: 'pad',
    tabindex: '0',
    role: 'application',
    'aria-roledescription': 'drawing pad',
    'aria-label': `Drawing pad, ${n} by ${n} cells. Arrow keys move, Space inks or clears a cell, Delete clears all.`,
  });
  const small = h('canvas', {
    class: 'padsmall',
    width: n,
    height: n,
    role: 'img',
    'aria-label': `What the model gets: ${n} by ${n} values`,
  });
  const where = h('span', { class: 'sr', role: 'status' });
  const el = h(
    'div',
    { class: 'padbox' },
    canvas,
    h(
      'div',
      { class: 'padside' },
      h('figure', null, small, h('figcaption', null, `What it gets: ${n} × ${n} values from 0 to ${full}`)),
      h(
        'div',
        { class: 'row' },
        h(
          'button',
          {
            type: 'button',
            class: 'btn small',
            onclick: () => {
              clear();
              canvas.focus();
            },
          },
          'Clear',
        ),
        m.example &&
          h(
            'button',
            {
              type: 'button',
              class: 'btn small',
              onclick: () => {
                example();
                form.run();
              },
            },
            'Example',
          ),
      ),
      where,
    ),
  );
  const S = 320;
  canvas.width = S * 2;
  canvas.height = S * 2;
  const g = canvas.getContext('2d');
  const ink = document.createElement('canvas');
  ink.width = ink.height = 256;
  const ig = ink.getContext('2d', { willReadFrequently: true });
  function clear() {
    strokes = [];
    cells = new Float32Array(n * n);
    hand = false;
    paint();
    form.changed();
  }
  function example() {
    strokes = [];
    hand = true;
    cells = Float32Array.from(flat.slice(-n * n));
    paint();
    form.changed();
  }
  function measure() {
    // as the training data was made: fitted to the frame, ink counted for each cell
    ig.clearRect(0, 0, 256, 256);
    const pts = strokes.flat();
    if (pts.length === 0) return;
    const xs = pts.map((p) => p[0]),
      ys = pts.map((p) => p[1]);
    const x0 = Math.min(...xs),
      x1 = Math.max(...xs),
      y0 = Math.min(...ys),
      y1 = Math.max(...ys);
    const pen = 256 * 0.105,
      room = 256 - pen;
    const k = Math.min(room / Math.max(y1 - y0, 0.02), room / Math.max(x1 - x0, 0.02), 256 * 8);
    const cx = (x0 + x1) / 2,
      cy = (y0 + y1) / 2;
    ig.lineWidth = pen;
    ig.lineCap = ig.lineJoin = 'round';
    ig.strokeStyle = '#000';
    for (const s of strokes) {
      ig.beginPath();
      s.forEach((p, i) => ig[i ? 'lineTo' : 'moveTo'](128 + (p[0] - cx) * k, 128 + (p[1] - cy) * k));
      if (s.length === 1) ig.lineTo(128 + (s[0][0] - cx) * k + 0.1, 128 + (s[0][1] - cy) * k);
      ig.stroke();
    }
    const d = ig.getImageData(0, 0, 256, 256).data,
      w = 256 / n;
    for (let r = 0; r < n; r++)
      for (let c = 0; c < n; c++) {
        let sum = 0;
        for (let y = Math.floor(r * w); y < Math.floor((r + 1) * w); y++)
          for (let x = Math.floor(c * w); x < Math.floor((c + 1) * w); x++) sum += d[(y * 256 + x) * 4 + 3];
        cells[r * n + c] =
          Math.round((sum / 255 / (w * w)) * full * (full > 4 ? 1 : 1000)) / (full > 4 ? 1 : 1000);
      }
  }
  function paint() {
    const P = canvas.width,
      w = P / n;
    const fg = css('--text'),
      line = css('--line');
    g.clearRect(0, 0, P, P);
    if (hand) {
      g.fillStyle = fg;
      cells.forEach((v, i) => {
        if (v > 0) {
          g.globalAlpha = Math.min(1, v / full);
          g.fillRect((i % n) * w, Math.floor(i / n) * w, w, w);
        }
      });
      g.globalAlpha = 1;
    }
    g.strokeStyle = line;
    g.lineWidth = 1;
    g.beginPath();
    for (let i = 1; i < n && n <= 16; i++) {
      g.moveTo(i * w, 0);
      g.lineTo(i * w, P);
      g.moveTo(0, i * w);
      g.lineTo(P, i * w);
    }
    g.stroke();
    if (!hand) {
      g.strokeStyle = fg;
      g.lineWidth = P * 0.085;
      g.lineCap = g.lineJoin = 'round';
      for (const s of strokes) {
        g.beginPath();
        s.forEach((p, i) => g[i ? 'lineTo' : 'moveTo'](p[0] * P, p[1] * P));
        if (s.length === 1) g.lineTo(s[0][0] * P + 0.1, s[0][1] * P);
        g.stroke();
      }
    }
    if (cursor !== null && document.activeElement === canvas) {
      g.strokeStyle = css('--accent');
      g.lineWidth = 6;
      g.strokeRect((cursor % n) * w + 3, Math.floor(cursor / n) * w + 3, w - 6, w - 6);
    }
    const sg = small.getContext('2d');
    const img = sg.createImageData(n, n);
    const [a, b, c] = rgb(fg);
    cells.forEach((v, i) => {
      img.data.set([a, b, c, Math.min(255, (v / full) * 255)], i * 4);
    });
    sg.putImageData(img, 0, 0);
  }
  const at = (e) => {
    const r = canvas.getBoundingClientRect();
    return [
      Math.min(1, Math.max(0, (e.clientX - r.left) / r.width)),
      Math.min(1, Math.max(0, (e.clientY - r.top) / r.height)),
    ];
  };
  let drawing = false;
  canvas.addEventListener('pointerdown', (e) => {
    if (e.button) return;
    e.preventDefault();
    canvas.focus({ preventScroll: true });
    cursor = null;
    canvas.setPointerCapture(e.pointerId);
    if (hand) {
      cells.fill(0);
      strokes = [];
      hand = false;
    }
    drawing = true;
    strokes.push([at(e)]);
    measure();
    paint();
    clearTimeout(timer);
  });
  canvas.addEventListener('pointermove', (e) => {
    if (!drawing) return;
    for (const c of e.getCoalescedEvents?.() ?? [e]) strokes.at(-1).push(at(c));
    measure();
    paint();
  });
  const up = () => {
    if (!drawing) return;
    drawing = false;
    measure();
    paint();
    form.changed();
    clearTimeout(timer);
    timer = setTimeout(() => form.run(), 120);
  };
  canvas.addEventListener('pointerup', up);
  canvas.addEventListener('pointercancel', up);
  canvas.addEventListener('keydown', (e) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -n, ArrowDown: n }[e.key];
    if (step !== undefined) {
      e.preventDefault();
      const to = (cursor ?? 0) + (cursor === null ? 0 : step);
      if (
        to >= 0 &&
        to < n * n &&
        !(Math.abs(step) === 1 && Math.floor(to / n) !== Math.floor((cursor ?? to) / n))
      )
        cursor = to;
      paint();
      text(
        where,
        `row ${Math.floor(cursor / n) + 1}, column ${(cursor % n) + 1}, ${cells[cursor] ? 'inked' : 'empty'}`,
      );
    } else if (e.key === ' ') {
      e.preventDefault();
      cursor ??= 0;
      hand = true;
      strokes = [];
      cells[cursor] = cells[cursor] > 0 ? 0 : full;
      paint();
      form.changed();
      text(where, cells[cursor] ? 'inked' : 'empty');
    } else if (e.key === 'Delete' || e.key === 'Backspace') {
      e.preventDefault();
      clear();
    }
  });
  canvas.addEventListener('focus', paint);
  canvas.addEventListener('blur', paint);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  scheme.addEventListener('change', paint);
  requestAnimationFrame(paint);
  return {
    el,
    close: () => scheme.removeEventListener('change', paint),
    body(forCode) {
      if (!cells.some(Boolean)) {
        if (forCode) return m.example ? asJson(m.example) : null;
        throw bad('Draw something first, or take the example.');
      }
      const rows = Array.from({ length: n }, (_, r) =>
        [...cells.slice(r * n, r * n + n)].map((v) => Number(v.toFixed(3))),
      );
      return asJson({ [input.name]: deep ? [[rows]] : [rows] });
    },
  };
}
const rgb = (c) => {
  const x = document.createElement('canvas').getContext('2d');
  x.fillStyle = c;
  const s = x.fillStyle;
  return [1, 3, 5].map((i) => parseInt(s.slice(i, i + 2), 16));
};

/* a picture: dropped, pasted, chosen */
function pictureForm(m, form) {
  let file = null;
  const canvas = h('canvas', { class: 'shot', hidden: true, role: 'img', 'aria-label': 'Your picture' });
  const input = h('input', { type: 'file', id: id('f'), class: 'sr', accept: 'image/*' });
  const hint = h(
    'span',
    { class: 'drophint' },
    h('b', null, 'Drop a picture here'),
    h('span', null, 'or click to choose one, or paste it'),
  );
  const drop = h('label', { class: 'drop', for: input.id }, canvas, hint);
  const err = h('p', { class: 'err', role: 'alert' });
  const about = h('p', { class: 'faint' });
  const ex =
    m.declaredExample?.path &&
    h(
      'button',
      {
        type: 'button',
        class: 'btn small',
        onclick: async () => {
          ex.disabled = true;
          try {
            const { path, file: its } = m.declaredExample;
            const b = await api.example(path);
            await take(new File([b], its.split('/').pop(), { type: b.type }));
            form.run();
          } catch (e) {
            text(err, e.message);
          }
          ex.disabled = false;
        },
      },
      'Example',
    );
  const el = h(
    'div',
    { class: 'picture' },
    drop,
    input,
    h(
      'div',
      { class: 'row' },
      h('button', { type: 'button', class: 'btn small', onclick: () => input.click() }, 'Choose…'),
      ex,
      about,
    ),
    err,
  );
  let bitmap = null;
  async function take(f) {
    text(err, '');
    if (!f) return;
    try {
      bitmap = await createImageBitmap(f);
    } catch {
      text(err, `“${f.name}” is not a picture that a browser can read. Take a JPEG, PNG or WebP file.`);
      return;
    }
    file = f;
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.hidden = false;
    hint.hidden = true;
    drop.classList.add('has');
    boxes([]);
    text(about, `${f.name} · ${bitmap.width} × ${bitmap.height} · ${number(Math.round(f.size / 1000))} kB`);
    canvas.setAttribute('aria-label', `Your picture, ${f.name}`);
    form.changed();
  }
  const COLORS = ['--b1', '--b2', '--b3', '--b4', '--b5'];
  function boxes(list, chosen = -1) {
    const g = canvas.getContext('2d');
    g.drawImage(bitmap, 0, 0);
    const k = canvas.width / (canvas.clientWidth || canvas.width);
    const order = list.map((o, i) => [o, i]).sort((a, b) => area(b[0]) - area(a[0]));
    for (const [o, i] of order) {
      const [x0, y0, x1, y1] = o.box;
      const col = css(COLORS[i % 5]);
      g.globalAlpha = chosen < 0 || chosen === i ? 1 : 0.25;
      g.lineWidth = 5 * k;
      g.strokeStyle = 'rgba(0,0,0,.55)';
      g.strokeRect(x0, y0, x1 - x0, y1 - y0);
      g.lineWidth = 2.5 * k;
      g.strokeStyle = col;
      g.strokeRect(x0, y0, x1 - x0, y1 - y0);
      g.font = `600 ${13 * k}px system-ui, sans-serif`;
      const t = `${i + 1} ${o.label}`;
      const w = g.measureText(t).width + 10 * k,
        hh = 20 * k;
      const ty = y0 - hh < 0 ? y0 : y0 - hh;
      g.fillStyle = col;
      g.fillRect(x0, ty, w, hh);
      g.fillStyle = '#101312';
      g.textBaseline = 'middle';
      g.fillText(t, x0 + 5 * k, ty + hh / 2);
    }
    g.globalAlpha = 1;
  }
  const area = (o) => (o.box[2] - o.box[0]) * (o.box[3] - o.box[1]);
  input.addEventListener('change', async () => {
    const f = input.files[0];
    await take(f);
    if (f && !err.textContent) form.run();
  });
  for (const t of ['dragenter', 'dragover'])
    drop.addEventListener(t, (e) => {
      e.preventDefault();
      drop.classList.add('over');
    });
  for (const t of ['dragleave', 'drop']) drop.addEventListener(t, () => drop.classList.remove('over'));
  drop.addEventListener('drop', async (e) => {
    e.preventDefault();
    await take(e.dataTransfer.files[0]);
    if (file && !err.textContent) form.run();
  });
  const paste = async (e) => {
    const f = [...(e.clipboardData?.files ?? [])].find((x) => x.type.startsWith('image/'));
    if (f) {
      e.preventDefault();
      await take(f);
      form.run();
    }
  };
  addEventListener('paste', paste);
  return {
    el,
    boxes: (l, c) => bitmap && boxes(l, c),
    colors: COLORS,
    close: () => removeEventListener('paste', paste),
    mark: (e) => {
      if (e.code === 'invalid_image') text(err, e.message);
    },
    body(forCode) {
      if (!file) {
        if (forCode) {
          const ex = m.declaredExample;
          return ex?.path ? { file: ex.file.split('/').pop(), type: ex.type } : null;
        }
        throw bad('Choose a picture first, or take the example.');
      }
      return {
        bytes: file,
        type: file.type || 'image/jpeg',
        file: /^[\w.-]+$/.test(file.name) ? file.name : 'picture.' + (file.type.split('/')[1] ?? 'jpg'),
      };
    },
  };
}

/* texts */
function textForm(m, form) {
  const d = m.declared.inputs[0];
  const pairs = d.keys.pairs?.value === true;
  const two = pairs || m.declared.outputs[0]?.type === 'embedding';
  const given = m.declaredExample?.body?.[d.name] ?? '';
  const ex = pairs ? [given.text, given.pair] : [].concat(given);
  const area = (label, value, opt) => {
    const a = h('textarea', { id: id('t'), rows: two ? '3' : '5', autocomplete: 'off' });
    a.value = value ?? '';
    a.addEventListener('input', form.changed);
    return {
      a,
      el: h(
        'div',
        { class: 'field' },
        h('label', { for: a.id }, label, opt && h('span', { class: 'faint' }, ` ${opt}`)),
        a,
      ),
    };
  };
  const one = area('Text', ex[0]);
  const other = two
    ? area('Second text', ex[1], pairs ? undefined : 'to compare with; may be left empty')
    : null;
  const err = h('p', { class: 'err', role: 'alert' });
  const el = h('div', { class: 'texts' }, one.el, other?.el, err);
  return {
    el,
    focusError: () => one.a.focus(),
    mark: (e) => {
      if (e.status === 400 || e.status === 413) {
        one.a.setAttribute('aria-invalid', 'true');
      }
    },
    ok: () => one.a.removeAttribute('aria-invalid'),
    texts: () => [one.a.value, other?.a.value].filter((t) => t?.trim()),
    body() {
      const ts = [one.a.value, other?.a.value ?? ''].filter((t) => t.trim() !== '');
      if (ts.length === 0) throw bad('Write a text first.');
      if (pairs) {
        if (ts.length < 2) throw bad('It takes two texts.');
        return asJson({ [d.name]: { text: ts[0], pair: ts[1] } });
      }
      return asJson({ [d.name]: ts.length === 1 ? ts[0] : ts });
    },
  };
}

/* rows */
function tableForm(m, form) {
  const cols = columns(m);
  const declared = m.declared?.inputs[0]?.type === 'table' ? m.declared.inputs[0].name : null;
  const numeric = cols.map((c) => c.input.datatype !== 'BYTES');
  let rows = [];
  const ex = declared ? null : m.example;
  for (const r of [].concat(m.declaredExample?.body?.[declared] ?? []))
    rows.push(cols.map((c) => String(r[c.name] ?? '')));
  if (ex) {
    const first = ex[cols[0].input.name];
    const k = Array.isArray(first) ? first.length : 1;
    for (let r = 0; r < k; r++)
      rows.push(
        cols.map((c) => {
          const v =
            c.at < 0 ? [].concat(ex[c.input.name]?.[r] ?? '').flat()[0] : ex[c.input.name]?.[r]?.[c.at];
          return String(v ?? '');
        }),
      );
  }
  if (rows.length === 0) rows = [cols.map(() => '')];
  const body = h('tbody');
  const err = h('p', { class: 'err', role: 'alert' });
  const note = h('p', { class: 'faint', role: 'status' });
  const table = h(
    'table',
    { class: 'sheet', 'aria-label': 'Rows to send' },
    h(
      'thead',
      null,
      h(
        'tr',
        null,
        h('th', { scope: 'col' }, h('span', { class: 'sr' }, 'Row')),
        cols.map((c) => h('th', { scope: 'col' }, c.name)),
        h('th', null, h('span', { class: 'sr' }, 'Remove')),
      ),
    ),
    body,
  );
  const scroll = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Rows' }, table);
  const record = h('div', { class: 'record' });
  const el = h(
    'div',
    { class: 'rows' },
    scroll,
    record,
    h(
      'div',
      { class: 'row' },
      h(
        'button',
        {
          type: 'button',
          class: 'btn small',
          onclick: () => {
            rows.push([...(rows.at(-1) ?? cols.map(() => ''))]);
            paint();
            form.changed();
            body.lastChild.querySelector('input').focus();
          },
        },
        'Add a row',
      ),
      note,
    ),
    err,
    h('p', { class: 'faint' }, 'Paste rows from a spreadsheet or a CSV file into any cell.'),
  );
  const cell = (i, j) => {
    const x = h('input', {
      'aria-label': `Row ${i + 1}, ${cols[j].name}`,
      autocomplete: 'off',
      spellcheck: 'false',
      inputmode: numeric[j] ? 'decimal' : 'text',
    });
    x.value = rows[i][j] ?? '';
    x.addEventListener('input', () => {
      rows[i][j] = x.value;
      x.removeAttribute('aria-invalid');
      form.changed();
    });
    x.addEventListener('paste', (e) => paste(e, i, j));
    return x;
  };
  function paint() {
    const one = cols.length > 6 && rows.length === 1;
    scroll.hidden = one;
    record.hidden = !one; // many columns, one row: fields, not a sheet that runs off the side
    if (one)
      swap(
        record,
        cols.map((c, j) => h('label', null, h('span', null, c.name), cell(0, j))),
      );
    else swap(record);
    swap(
      body,
      one
        ? []
        : rows.slice(0, 100).map((r, i) =>
            h(
              'tr',
              null,
              h('th', { scope: 'row' }, String(i + 1)),
              cols.map((_, j) => h('td', null, cell(i, j))),
              h(
                'td',
                null,
                rows.length > 1 &&
                  h(
                    'button',
                    {
                      type: 'button',
                      class: 'plain',
                      'aria-label': `Remove row ${i + 1}`,
                      onclick: () => {
                        rows.splice(i, 1);
                        paint();
                        form.changed();
                      },
                    },
                    '×',
                  ),
              ),
            ),
          ),
    );
    text(
      note,
      rows.length > 100
        ? `${rows.length} rows, the first 100 are shown`
        : rows.length > 1
          ? `${rows.length} rows, one call`
          : '',
    );
  }
  function paste(e, i, j) {
    const t = e.clipboardData.getData('text');
    if (!/[\n\t]/.test(t) && !(t.includes(',') && cols.length > 1)) return;
    e.preventDefault();
    let got = parseTable(t);
    if (got.length === 0) return;
    let map = cols.map((_, k) => k - j);
    const names = got[0].map((x) => x.toLowerCase());
    const known = cols.map((c) => names.indexOf(c.name.toLowerCase()));
    let head = '';
    if (known.some((k) => k >= 0)) {
      map = known;
      got = got.slice(1);
      const missing = cols.filter((_, k) => known[k] < 0).map((c) => c.name);
      head = missing.length ? ` Without ${missing.join(', ')}.` : '';
      i = 0;
      rows = [];
    } else if (
      got[0].every((x, k) => !numeric[k + j] || Number.isNaN(Number(x))) &&
      got.length > 1 &&
      numeric.some(Boolean)
    )
      got = got.slice(1);
    got.forEach((g, r) => {
      const row = (rows[i + r] ??= cols.map(() => ''));
      map.forEach((k, c) => {
        if (k >= 0 && g[k] !== undefined) row[c] = g[k];
      });
    });
    paint();
    text(note, `${got.length} rows pasted.${head}`);
    form.changed();
  }
  paint();
  return {
    el,
    mark(e) {
      const hit = cols.findIndex(
        (c) => e.message.includes(`"${declared ? c.name : c.input.name}"`) && c.at < 0,
      );
      const r = /row (\d+)/.exec(e.message);
      const tr = record.hidden ? body.children[r ? Number(r[1]) - 1 : 0] : record;
      if (hit >= 0) {
        const x = tr?.querySelectorAll('input')[hit];
        x?.setAttribute('aria-invalid', 'true');
      }
    },
    focusError(e) {
      const x = (record.hidden ? body.children[e.row] : record)?.querySelectorAll('input')[e.col];
      if (x) {
        x.setAttribute('aria-invalid', 'true');
        x.focus();
      }
    },
    body() {
      const value = (v, c, r, j) => {
        if (c.mayMiss && v.trim() === '') return null;
        if (c.input.datatype === 'BYTES') return v;
        if (c.input.datatype === 'BOOL') return /^(true|1|yes)$/i.test(v);
        const t = v.trim();
        if (t === '') throw bad(`Row ${r + 1}, ${c.name}: a number is missing.`, { row: r, col: j });
        if (/^-?\d{16,}$/.test(t) || /^(NaN|-?Infinity)$/.test(t)) return t;
        const x = Number(t.replace(/^(-?\d+),(\d+)$/, '$1.$2'));
        if (Number.isNaN(x))
          throw bad(`Row ${r + 1}, ${c.name}: “${v}” is not a number.`, { row: r, col: j });
        return x;
      };
      if (declared)
        return asJson({
          [declared]: rows.map((row, r) =>
            Object.fromEntries(cols.map((c, j) => [c.name, value(row[j] ?? '', c, r, j)])),
          ),
        });
      const out = {};
      for (const t of m.inputs) out[t.name] = [];
      rows.forEach((row, r) =>
        cols.forEach((c, j) => {
          const v = value(row[j] ?? '', c, r, j);
          if (c.at < 0) out[c.input.name].push(c.input.shape.length > 1 ? [v] : v);
          else (out[c.input.name][r] ??= [])[c.at] = v;
        }),
      );
      return asJson(out);
    },
  };
}

/* anything, as JSON */
export function jsonForm(m, form, start) {
  const area = h('textarea', {
    id: id('j'),
    class: 'mono json',
    rows: '12',
    spellcheck: 'false',
    autocomplete: 'off',
    wrap: 'off',
  });
  const err = h('p', { class: 'err', role: 'alert' });
  const ex = start ?? m.declaredExample?.body ?? m.example;
  area.value = ex
    ? pretty(ex)
    : `{\n${(m.inputs ?? []).map((t) => `  ${JSON.stringify(t.name)}: []`).join(',\n')}\n}`;
  area.addEventListener('input', () => {
    try {
      JSON.parse(area.value);
      text(err, '');
      area.removeAttribute('aria-invalid');
    } catch (e) {
      text(err, where(e, area.value));
      area.setAttribute('aria-invalid', 'true');
    }
    form.changed();
  });
  const el = h('div', { class: 'field' }, h('label', { for: area.id }, 'Request body'), area, err);
  return {
    el,
    focusError: () => area.focus(),
    mark: (e) => {
      if (e.status === 400) {
        area.setAttribute('aria-invalid', 'true');
      }
    },
    ok: () => area.removeAttribute('aria-invalid'),
    body() {
      try {
        return { json: JSON.parse(area.value), text: compact(area.value), type: 'application/json' };
      } catch (e) {
        throw bad(where(e, area.value));
      }
    },
  };
}
const compact = (t) => t.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, word) => word ?? ''); // the text and not JSON.parse of it: integers beyond 2^53 stay
function where(e, t) {
  const p = /position (\d+)/.exec(e.message);
  if (!p) return `No JSON yet: ${e.message}`;
  const before = t.slice(0, Number(p[1]));
  return `No JSON yet, line ${before.split('\n').length}, column ${before.length - before.lastIndexOf('\n')}: ${e.message.replace(/ in JSON at position.*/, '')}`;
}

export const FORMS = { pad: padForm, picture: pictureForm, text: textForm, table: tableForm, json: jsonForm };
