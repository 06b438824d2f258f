// Pure functions: numbers and tensors in plain words, and what kind of form and answer a model gets. No DOM.

export const count = (n, one, many = one + 's') => `${number(n)} ${n === 1 ? one : many}`;
export const number = (n) =>
  Math.abs(n) >= 10000 ? Math.round(n).toLocaleString('en').replaceAll(',', '\u2009') : String(n);
export function ms(x) {
  if (x === null || x === undefined) return '–';
  if (x < 0.095) return `${x.toFixed(2)} ms`;
  if (x < 9.95) return `${x.toFixed(1)} ms`;
  if (x < 999.5) return `${Math.round(x)} ms`;
  return `${(x / 1000).toFixed(1)} s`;
}
export function rate(x) {
  if (x === null || x === undefined) return '–';
  if (x === 0) return '0';
  if (x < 0.1) return '< 0.1';
  return x < 100 ? x.toFixed(1) : number(Math.round(x));
}
export function bytes(x) {
  if (x === null || x === undefined) return '–';
  if (x < 1000) return `${x} B`;
  if (x < 999500) return `${Math.round(x / 1000)} kB`;
  if (x < 999.5e6) return `${x < 9.95e6 ? (x / 1e6).toFixed(1) : Math.round(x / 1e6)} MB`;
  return `${(x / 1e9).toFixed(1)} GB`;
}
export function lasting(s) {
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}
export function percent(p) {
  const x = p * 100;
  return x > 99.995 && p < 1
    ? '> 99.99 %'
    : x > 0 && x < 0.01
      ? '< 0.01 %'
      : `${x >= 99.95 || x < 9.95 ? x.toFixed(2) : x.toFixed(1)} %`;
}

/** Shape with names where the server gives them: batch × 8 × 8. */
export const shape = (t) =>
  (t.dims ?? t.shape.map((d, i) => (d < 0 ? (i === 0 ? 'any' : '?') : String(d)))).join(' × ');
const rest = (t) => t.shape.slice(1);
const INTS = /^U?INT/;

/** What a model takes, in plain words. */
export function takes(m) {
  if (m.declared)
    return m.declared.inputs
      .map((d) =>
        d.type === 'image'
          ? `picture ${d.width} × ${d.height}`
          : d.type === 'text'
            ? 'text'
            : d.type === 'table'
              ? `row of ${d.columns.length} columns`
              : d.type,
      )
      .join(' + ');
  const ins = m.inputs ?? [];
  if (ins.length === 0) return '';
  if (ins.length > 1 && ins.every(isColumn)) return `row of ${ins.length} columns`;
  return list(ins.map((t) => one(t)));
}
/** What it gives. */
export function gives(m) {
  if (m.declared)
    return m.declared.outputs
      .map((d) =>
        d.type === 'classification'
          ? count(d.labels, 'label')
          : d.type === 'detection'
            ? `boxes of ${d.labels} kinds`
            : d.type === 'embedding'
              ? `vector of ${d.dimensions}`
              : d.type,
      )
      .join(' + ');
  const outs = [...(m.outputs ?? [])].sort((a, b) => rest(b).length - rest(a).length);
  return list(outs.map((t) => one(t, true)));
}
function list(words) {
  const seen = new Map();
  for (const w of words) seen.set(w, (seen.get(w) ?? 0) + 1);
  const all = [...seen].map(([w, n]) => (n === 1 ? w : /^\d/.test(w) ? `${n} × ${w}` : `${n} ${w}s`));
  return all.length > 3 ? `${all.slice(0, 2).join(', ')} and ${all.length - 2} more` : all.join(', ');
}
function one(t, out = false) {
  const r = rest(t);
  const n = r.reduce((a, b) => a * b, 1);
  const noun =
    t.datatype === 'BYTES'
      ? 'text'
      : t.datatype === 'BOOL'
        ? 'yes or no'
        : out && /label|class/i.test(t.name) && INTS.test(t.datatype)
          ? 'label'
          : out && /prob|score|softmax/i.test(t.name)
            ? 'probability'
            : /(^|_)ids?$|mask/.test(t.name) && INTS.test(t.datatype)
              ? 'token list'
              : 'number';
  const many = noun === 'probability' ? 'probabilities' : noun === 'yes or no' ? 'yes or no' : noun + 's';
  if (r.length === 0 || n === 1) return `1 ${noun}`;
  if (r.length === 1)
    return r[0] < 0
      ? noun === 'token list'
        ? 'token list'
        : `any number of ${many}`
      : count(r[0], noun, many);
  const sq = square(t);
  if (!out && sq) return `grey picture ${sq} × ${sq}`;
  if (r.length === 2 && r[0] < 0) return `${r[1]} numbers for each token`;
  return `${r.map((d) => (d < 0 ? '?' : d)).join(' × ')} ${many}`;
}
const isColumn = (t) => rest(t).every((d) => d === 1) && t.shape.length <= 2;
function square(t) {
  const s =
    t.shape.length === 4 && t.shape[1] === 1
      ? t.shape.slice(2)
      : t.shape.length === 3
        ? t.shape.slice(1)
        : [];
  return s.length === 2 && s[0] === s[1] && s[0] >= 6 && s[0] <= 64 && /^(FP|U?INT8)/.test(t.datatype)
    ? s[0]
    : 0;
}

/** Which form to show: by what was declared, else by the shapes alone; what fits none is JSON. */
export function formKind(m) {
  const d = m.declared?.inputs;
  if (d?.length === 1) return { image: 'picture', text: 'text', table: 'table' }[d[0].type] ?? 'json';
  const ins = m.inputs ?? [];
  if (ins.length === 1 && square(ins[0])) return 'pad';
  if (ins.length > 0 && ins.length <= 64 && ins.every((t) => isColumn(t) && t.datatype !== 'FP16'))
    return 'table';
  if (ins.length === 1 && ins[0].shape.length === 2 && ins[0].shape[1] > 0 && ins[0].shape[1] <= 64)
    return 'table';
  return 'json';
}
/** Columns of a table form: one input each, or one input with k numbers. */
export function columns(m) {
  const ins = m.inputs ?? [];
  if (ins.length === 1 && ins[0].shape.length === 2 && ins[0].shape[1] > 1) {
    return Array.from({ length: ins[0].shape[1] }, (_, i) => ({
      name: m.columns?.[i] ?? `${ins[0].name} ${i + 1}`,
      input: ins[0],
      at: i,
    }));
  }
  return ins.map((t) => ({ name: t.name, input: t, at: -1 }));
}
export const padSize = (m) => square(m.inputs[0]);

/** Rows of cells from a spreadsheet or a CSV file (RFC 4180; comma, semicolon or tab). */
export function parseTable(text) {
  const head = text.split('\n', 1)[0] ?? '';
  const sep = ['\t', ';', ','].sort((a, b) => head.split(b).length - head.split(a).length)[0];
  const rows = [[]];
  let cell = '',
    quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '"') {
        if (text[i + 1] === '"') {
          cell += c;
          i++;
        } else quoted = false;
      } else cell += c;
    } else if (c === '"' && cell === '') quoted = true;
    else if (c === sep) {
      rows.at(-1).push(cell.trim());
      cell = '';
    } else if (c === '\n' || c === '\r') {
      if (c === '\r' && text[i + 1] === '\n') i++;
      rows.at(-1).push(cell.trim());
      cell = '';
      rows.push([]);
    } else cell += c;
  }
  rows.at(-1).push(cell.trim());
  return rows.filter((r) => r.some((c) => c !== ''));
}

export function cosine(a, b) {
  let ab = 0,
    aa = 0,
    bb = 0;
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / Math.sqrt(aa * bb || 1);
}

/** The same call for people to paste. `body` is JSON text, or `file` and `type` for bytes. The key is never in it. */
export function snippets({ url, body, file, type, key }) {
  const big = body !== undefined && body.length > 1200;
  const sh = (s) => `'${s.replaceAll("'", `'\\''`)}'`;
  const auth = {
    curl: key ? ` \\\n  -H "authorization: Bearer $NESTOR_KEY"` : '',
    ts: key ? `, authorization: \`Bearer \${process.env.NESTOR_KEY}\`` : '',
    py: key ? ', headers={"authorization": f"Bearer {os.environ[\'NESTOR_KEY\']}"}' : '',
  };
  const os = key ? 'import os\n' : '';
  if (file)
    return {
      curl: `curl -s ${url} \\\n  -H 'content-type: ${type}'${auth.curl} \\\n  --data-binary @${file}`,
      TypeScript: `import { readFile } from 'node:fs/promises';\n\nconst response = await fetch('${url}', {\n  method: 'POST',\n  headers: { 'content-type': '${type}'${auth.ts} },\n  body: await readFile('${file}'),\n});\nif (!response.ok) throw new Error((await response.json()).message);\nconst { result } = await response.json();\nconsole.log(result);`,
      Python: `${os}import requests\n\nwith open("${file}", "rb") as picture:\n    response = requests.post(\n        "${url}",\n        data=picture,\n        headers={"content-type": "${type}"${key ? ', "authorization": f"Bearer {os.environ[\'NESTOR_KEY\']}"' : ''}},\n    )\nresponse.raise_for_status()\nprint(response.json()["result"])`,
    };
  return {
    curl: `curl -s ${url} \\\n  -H 'content-type: application/json'${auth.curl} \\\n  -d ${big ? '@request.json' : sh(body)}`,
    TypeScript: `${big ? "import { readFile } from 'node:fs/promises';\n\n" : ''}const response = await fetch('${url}', {\n  method: 'POST',\n  headers: { 'content-type': 'application/json'${auth.ts} },\n  body: ${big ? "await readFile('request.json')" : `JSON.stringify(${body})`},\n});\nif (!response.ok) throw new Error((await response.json()).message);\nconst { result } = await response.json();\nconsole.log(result);`,
    Python: `${os}import requests\n\nresponse = requests.post(\n    "${url}",\n    ${big ? 'data=open("request.json", "rb"), headers={"content-type": "application/json"' + (key ? ', "authorization": f"Bearer {os.environ[\'NESTOR_KEY\']}"' : '') + '}' : `json=${py(body)}${auth.py}`},\n)\nresponse.raise_for_status()\nprint(response.json()["result"])`,
  };
}
const py = (json) =>
  json.replace(
    /"(?:[^"\\]|\\.)*"|\btrue\b|\bfalse\b|\bnull\b/g,
    (s) => ({ true: 'True', false: 'False', null: 'None' })[s] ?? s,
  );

/** JSON for people: arrays of numbers stay on one line. */
export function pretty(value, pad = '') {
  if (Array.isArray(value)) {
    if (value.every((v) => typeof v !== 'object' || v === null))
      return `[${value.map((v) => JSON.stringify(v)).join(', ')}]`;
    return `[\n${value.map((v) => pad + '  ' + pretty(v, pad + '  ')).join(',\n')}\n${pad}]`;
  }
  if (value !== null && typeof value === 'object') {
    const es = Object.entries(value);
    return es.length === 0
      ? '{}'
      : `{\n${es.map(([k, v]) => `${pad}  ${JSON.stringify(k)}: ${pretty(v, pad + '  ')}`).join(',\n')}\n${pad}}`;
  }
  return JSON.stringify(value);
}

/** What somebody can do about an error code. */
export const ADVICE = {
  invalid_json: 'Mend the JSON at the position that is named.',
  shape_mismatch: 'Compare with “Inputs and outputs” below, or start from the example.',
  unknown_input: 'The names of the inputs stand under “Inputs and outputs” below.',
  missing_input: 'Fill in every input, or start from the example.',
  invalid_image: 'Take a JPEG, PNG or WebP file.',
  body_too_large: 'Send less at once; the server’s BODY_LIMIT sets the size.',
  overloaded: 'The server is at its limit. Try again in a moment.',
  deadline_exceeded: 'It took longer than it may. Try again, or raise the deadline.',
  model_not_found: 'It may have been unloaded or renamed. The list of models has what there is.',
  key_required: 'Give a key (top right). It stays in this page’s memory only.',
  invalid_key: 'Give another key (top right).',
  not_ready: 'The server or the model is not ready. This page tries again by itself.',
};
