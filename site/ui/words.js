// Pure functions: numbers in plain words, and what kind of form and answer a model gets. No DOM. What a model takes and
// gives in words comes from the server, which says the same elsewhere.

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

/** Shape with the names that the model has for its dimensions: batch × 8 × 8. */
export const shape = (t) =>
  t.shape.map((d, i) => (d >= 0 ? String(d) : (t.dimensions?.[i] ?? (i === 0 ? 'any' : '?')))).join(' × ');
const rest = (t) => t.shape.slice(1);
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

/** A model's details with what its declaration means for forms and answers. */
export function described(detail) {
  const list = (side) =>
    Object.entries(detail.pipeline?.[side] ?? {}).map(([name, { type, ...keys }]) => ({ name, type, keys }));
  const declared = detail.pipeline ? { inputs: list('input'), outputs: list('output') } : null;
  return { ...detail, declared, declaredExample: detail.pipeline?.example ?? null };
}
/** What the places of an output mean: the model says so, or what is declared over it. */
export function labelsOf(m, name) {
  const own = m.outputs?.find((t) => t.name === name)?.labels;
  const over = (m.declared?.outputs ?? []).filter((d) => d.type === 'classification');
  const one = over.find((d) => (d.keys.from?.value ?? m.outputs?.[0]?.name) === name) ?? null;
  return own ?? (Array.isArray(one?.keys.labels?.value) ? one.keys.labels.value.map(String) : undefined);
}

/** Which forms to show, the first one open: by the shapes a pad to draw on, by what is declared, else by the shapes. */
export function formKinds(m) {
  const d = m.declared?.inputs ?? [];
  const ins = m.inputs ?? [];
  const kinds = [];
  if (ins.length === 1 && square(ins[0])) kinds.push('pad');
  if (d.length === 1) kinds.push({ image: 'picture', text: 'text', table: 'table' }[d[0].type]);
  else if (d.length === 0 && isTable(ins)) kinds.push('table');
  return [...kinds.filter(Boolean), 'json'];
}
const isTable = (ins) =>
  (ins.length > 0 && ins.length <= 64 && ins.every((t) => isColumn(t) && t.datatype !== 'FP16')) ||
  (ins.length === 1 && ins[0].shape.length === 2 && ins[0].shape[1] > 0 && ins[0].shape[1] <= 64);

/** Columns of a table form: declared ones, else one input each, or one input with k numbers. */
export function columns(m) {
  const ins = m.inputs ?? [];
  const d = m.declared?.inputs[0];
  if (d?.type === 'table') return declaredColumns(d.keys, ins);
  if (ins.length === 1 && ins[0].shape.length === 2 && ins[0].shape[1] > 1) {
    return Array.from({ length: ins[0].shape[1] }, (_, i) => ({
      name: `${ins[0].name} ${i + 1}`,
      input: ins[0],
      at: i,
    }));
  }
  return ins.map((t) => ({ name: t.name, input: t, at: -1 }));
}
function declaredColumns(keys, ins) {
  const given = keys.columns?.value ?? ins.map((t) => t.name);
  const entries = Array.isArray(given) ? given.map((name) => [name, {}]) : Object.entries(given);
  return entries.map(([name, its]) => {
    const to = its.to ?? keys.to?.value ?? (ins.length === 1 ? ins[0].name : name);
    const own = ins.find((t) => t.name === to)?.datatype ?? 'FP32';
    const datatype = { text: 'BYTES', boolean: 'BOOL' }[its.type] ?? own;
    return { name, input: { name, datatype }, at: -1, mayMiss: its.missing !== undefined };
  });
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
  wrong_datatype: 'Compare with “Inputs and outputs” below, or start from the example.',
  unknown_input: 'The names of the inputs stand under “Inputs and outputs” below.',
  missing_input: 'Fill in every input, or start from the example.',
  invalid_image: 'Take a JPEG, PNG or WebP file.',
  invalid_table: 'Every row needs a value for each column; the header of a paste may name them.',
  text_too_long: 'Shorten the text, or let the model cut it (truncate).',
  input_too_large: 'Send fewer or smaller ones at once.',
  body_too_large: 'Send less at once; the server’s BODY_LIMIT sets the size.',
  rate_limited: 'This caller has had its share. Try again later.',
  overloaded: 'The server is at its limit. Try again in a moment.',
  deadline_exceeded: 'It took longer than it may. Try again, or raise the deadline.',
  model_not_found: 'It may have been removed or renamed. The list of models has what there is.',
  model_unavailable: 'Its page says why it does not serve, and what to do.',
  model_quarantined: 'Its page says why it does not serve, and what to do.',
  unauthorized: 'Give a key (top right). It stays in this page’s memory only.',
  forbidden: 'This caller may not do that; another key may (top right).',
  not_ready: 'The server or the model is not ready. This page tries again by itself.',
  draining: 'The server is stopping. Try again when it is back.',
};
