// All that the page says to the server. Addresses are relative, so that it works below any path of a proxy.
const base = document.querySelector('meta[name=nestor-api]').content.replace(/\/$/, '');
let key = ''; // in memory only: no storage, no cookie, gone with the tab
export const hasKey = () => key !== '';
export const setKey = (value) => {
  key = value;
};
export const inferUrl = (model, { version, cache } = {}) => {
  const q = new URLSearchParams();
  if (version) q.set('version', version);
  if (cache === false) q.set('use_cache', 'false');
  return `${base}/inference/${encodeURIComponent(model)}${q.size ? `?${q}` : ''}`;
};
export const absolute = (path) => new URL(path, document.baseURI).href;

export class Fault extends Error {
  constructor(status, body, retryAfter) {
    super(body?.message ?? body?.error ?? `The server answered ${status}.`);
    this.status = status;
    this.code = body?.code ?? null;
    this.requestId = body?.requestId ?? null;
    this.retryAfter = retryAfter;
    this.details = body?.details ?? null;
  }
}
// No `cache: 'no-store'` here: fetch would send Cache-Control: no-cache, and the prediction cache would stand aside.
async function ask(path, init = {}) {
  const headers = new Headers(init.headers);
  if (key) headers.set('authorization', `Bearer ${key}`);
  let response;
  try {
    response = await fetch(path, { ...init, headers, credentials: 'omit' });
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Fault(0, { message: 'The server cannot be reached.', code: 'unreachable' });
  }
  if (!response.ok) {
    let body = null;
    try {
      body = await response.json();
    } catch {
      /* no JSON, the status has to do */
    }
    const fault = new Fault(response.status, body, response.headers.get('retry-after'));
    fault.requestId ??= response.headers.get('x-request-id');
    throw fault;
  }
  return response;
}
/** Is it a key that is wanted, or another one? */
export const isRefused = (fault) => fault?.status === 401 || fault?.status === 403;

export const status = async (signal) => (await ask(`${base}/status`, { signal })).json();
export const model = async (name, signal) =>
  (await ask(`${base}/inference/${encodeURIComponent(name)}`, { signal })).json();
export const example = async (path) => {
  const r = await ask(`${base}/${path}`);
  return new Blob([await r.arrayBuffer()], { type: r.headers.get('content-type') ?? '' });
};
export const change = (name, what) =>
  ask(`v2/repository/models/${encodeURIComponent(name)}/${what}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });

export async function infer(name, options, body, type, signal) {
  const t0 = performance.now();
  const response = await ask(inferUrl(name, options), {
    method: 'POST',
    headers: { 'content-type': type, 'x-server-timing': '1' },
    body,
    signal,
  });
  const raw = await response.text();
  const wall = performance.now() - t0;
  const stages = {};
  for (const m of (response.headers.get('server-timing') ?? '').matchAll(/(\w+);dur=([\d.]+)/g))
    stages[m[1]] = Number(m[2]);
  return {
    answer: JSON.parse(raw),
    raw,
    wall,
    stages: Object.keys(stages).length ? stages : null,
    cache: response.headers.get('x-cache'),
    age: response.headers.get('age'),
    requestId: response.headers.get('x-request-id'),
  };
}
