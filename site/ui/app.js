// The frame: polling, header, list of models, dialogs, keys. A model's own view is in model.js.
import * as api from './api.js';
import { count, bytes, lasting, ms, number, rate } from './words.js';
import { copy, h, say, spark, swap, text } from './dom.js';
import { modelView } from './model.js';

const $ = (id) => document.getElementById(id);
const main = $('main');
let status = null,
  at = 0,
  view = null,
  paused = false,
  failing = null,
  failures = 0,
  timer = 0;
const listState = { text: '', only: 'all' };

/* polling */
async function poll() {
  clearTimeout(timer);
  try {
    status = await api.status();
    at = Date.now();
    failures = 0;
    const back = failing;
    failing = null;
    if (back) say('The server answers again');
  } catch (e) {
    failures++;
    failing = e;
    if (api.isRefused(e)) askKey(e);
  }
  paint();
  schedule();
}
function schedule() {
  clearTimeout(timer);
  if (paused || document.hidden) return;
  timer = setTimeout(poll, failing ? Math.min(30000, 1000 * 2 ** failures) : 2000);
}
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !paused) poll();
});
setInterval(age, 1000);
function age() {
  const s = Math.round((Date.now() - at) / 1000);
  text($('age'), at === 0 ? '' : s < 4 ? 'As of now' : `As of ${lasting(s)} ago`);
  document.body.classList.toggle('stale', at !== 0 && s > 10);
  if (failing) banner();
}
$('live').addEventListener('click', () => {
  paused = !paused;
  $('live').setAttribute('aria-pressed', String(!paused));
  text($('live'), paused ? 'Refresh off' : 'Refresh on');
  if (paused) clearTimeout(timer);
  else poll();
});

/* painting */
const STATE_WORD = { ready: 'ready', degraded: 'degraded', draining: 'draining', starting: 'starting' };
function paint() {
  age();
  if (status) {
    text($('version'), status.version);
    $('docs').href = status.links.docs;
    $('metrics').hidden = status.links.metrics === null;
    if (status.links.metrics) $('metrics').href = status.links.metrics;
    const shown = isLost() ? 'unreachable' : status.state;
    $('pill').hidden = !route().model;
    $('pill').className = `state ${shown}`;
    text($('pill'), STATE_WORD[shown] ?? shown);
    document.title = `${route().model ? `${route().model} – ` : ''}${status.name}${shown === 'ready' ? '' : ` (${shown})`}`;
    $('keybtn').hidden = !status.auth.required && !api.hasKey();
  }
  text($('keybtn'), api.hasKey() ? 'Key set' : 'Key');
  banner();
  if (!status) {
    if (failing && !api.isRefused(failing))
      main.replaceChildren(h('p', { class: 'boot' }, 'No answer from the server yet.'));
    return;
  }
  const want = route().model ?? '';
  if (view?.key !== want) {
    view?.close?.();
    view = want === '' ? listView() : modelView(want, { confirmChange, status: () => status });
    view.key = want;
    main.replaceChildren(view.el);
    view.opened?.();
  }
  view.update(status);
}
/** Does it not answer at all? One that refuses is there. */
const isLost = () => failing !== null && (failing.status === 0 || failing.status >= 500);
function banner() {
  const el = $('banner');
  const words =
    failing && !api.isRefused(failing) && (route().model || !status || !isLost())
      ? failing.status === 0
        ? `No answer from this server${at ? ` for ${lasting((Date.now() - at) / 1000)}; what you see is from then` : ''}. Trying again by itself.`
        : `${failing.message}`
      : '';
  if (words === '') {
    if (el.firstChild) swap(el);
    return;
  }
  if (!el.firstChild)
    swap(
      el,
      h(
        'p',
        { class: 'note bad' },
        h('b', null, isLost() ? 'Unreachable. ' : 'Refused. '),
        h('span', null, words),
      ),
    );
  else text(el.querySelector('span'), words);
}

/* routes: #/ and #/models/<name> */
function route() {
  const m = /^#\/models\/(.+)$/.exec(location.hash);
  return { model: m ? decodeURIComponent(m[1]) : undefined };
}
let cameFrom = null;
addEventListener('hashchange', () => {
  const row = cameFrom;
  cameFrom = route().model ?? null;
  paint();
  const link =
    !cameFrom && row && main.querySelector(`a.name[href="#/models/${CSS.escape(encodeURIComponent(row))}"]`);
  if (link) link.focus();
  else {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  } // back to the row that one came from
});
cameFrom = route().model ?? null;

/* the list */
const PROBLEM = { failed: 0, quarantined: 1, loading: 2, unloading: 2 };
const order = (a, b) => (PROBLEM[a.state] ?? 3) - (PROBLEM[b.state] ?? 3) || a.name.localeCompare(b.name);
function listView() {
  const word = h('strong', { class: 'word' });
  const why = h('div', { class: 'why' });
  const facts = h('p', { class: 'facts' });
  const s1 = spark(240, 44),
    s2 = spark(240, 44);
  const n1 = h('b'),
    m1 = h('span', { class: 'max' }),
    n2 = h('b'),
    n3 = h('b'),
    m2 = h('span', { class: 'max' });
  const hero = h(
    'section',
    { class: 'hero', 'aria-label': 'State of the server' },
    h('div', { class: 'now' }, h('h1', null, word), why, facts),
    h(
      'figure',
      { class: 'plot' },
      h('figcaption', null, h('span', null, 'Requests a second'), m1),
      h('p', { class: 'big' }, n1),
      s1,
    ),
    h(
      'figure',
      { class: 'plot' },
      h('figcaption', null, h('span', null, 'Latency, last minute'), m2),
      h('p', { class: 'big' }, h('span', { class: 'p' }, 'p50'), n2, h('span', { class: 'p hi' }, 'p99'), n3),
      s2,
    ),
  );
  const filter = h('input', {
    type: 'search',
    id: 'filter',
    placeholder: matchMedia('(hover: hover)').matches ? 'Filter   /' : 'Filter',
    'aria-label': 'Filter the models',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  filter.value = listState.text;
  filter.addEventListener('input', () => {
    listState.text = filter.value;
    rows();
  });
  filter.addEventListener('keydown', (e) => {
    if (e.key === 'ArrowDown') {
      e.preventDefault();
      body.querySelector('a.name')?.focus();
    }
    if (e.key === 'Escape' && filter.value) {
      filter.value = '';
      listState.text = '';
      rows();
      e.stopPropagation();
    }
  });
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': 'Show models by state' });
  const title = h('h2', null, 'Models');
  const body = h('tbody', { role: 'rowgroup' });
  const table = h(
    'table',
    { class: 'models', role: 'table', 'aria-label': 'Models' },
    h(
      'thead',
      { role: 'rowgroup' },
      h(
        'tr',
        { role: 'row' },
        ['Model', 'Takes and gives', 'Requests/s', 'p50', 'p99', 'Rows a run', 'Memory', ''].map((t, i) =>
          h(
            'th',
            { scope: 'col', role: 'columnheader', class: `c${i}` },
            t === '' ? h('span', { class: 'sr' }, 'Actions') : t,
          ),
        ),
      ),
    ),
    body,
  );
  const none = h('p', { class: 'nothing', hidden: true });
  const tools = h('div', { class: 'tools' }, title, chips, filter);
  const hello = h('div');
  const el = h(
    'div',
    null,
    hero,
    hello,
    h('section', { 'aria-label': 'Models', class: 'listing' }, tools, table, none),
  );
  const known = new Map();
  body.addEventListener('keydown', (e) => {
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
    const links = [...body.querySelectorAll('a.name')];
    const i = links.indexOf(document.activeElement?.closest('tr')?.querySelector('a.name'));
    const to = i + (e.key === 'ArrowDown' ? 1 : -1);
    e.preventDefault();
    if (to < 0) filter.focus();
    else links[to]?.focus();
  });
  let current;
  function rows() {
    const all = [...current.models].sort(order);
    const kinds = { all: all.length };
    for (const m of all) kinds[m.state] = (kinds[m.state] ?? 0) + 1;
    if (!(listState.only in kinds)) listState.only = 'all';
    const wanted = [
      'all',
      ...['ready', 'loading', 'failed', 'quarantined', 'unavailable', 'unloading'].filter((k) => kinds[k]),
    ];
    if (wanted.length > 2) {
      if (chips.dataset.k !== wanted.join()) {
        chips.dataset.k = wanted.join();
        swap(
          chips,
          wanted.map((k) =>
            h(
              'button',
              {
                type: 'button',
                class: 'chip',
                'data-k': k,
                onclick: () => {
                  listState.only = k;
                  rows();
                },
              },
              k === 'all' ? 'all ' : `${k} `,
              h('span'),
            ),
          ),
        );
      }
      for (const b of chips.children) {
        b.setAttribute('aria-pressed', String(b.dataset.k === listState.only));
        text(b.lastChild, String(kinds[b.dataset.k] ?? 0));
      }
    } else {
      swap(chips);
      delete chips.dataset.k;
      listState.only = 'all';
    }
    const t = listState.text.trim().toLowerCase();
    const shown = all.filter(
      (m) =>
        (listState.only === 'all' || m.state === listState.only) &&
        (t === '' ||
          `${m.name} ${m.description ?? ''} ${m.takes ?? ''} ${m.gives ?? ''}`.toLowerCase().includes(t)),
    );
    let prev = null;
    for (const m of shown) {
      let row = known.get(m.name);
      if (!row) known.set(m.name, (row = makeRow(m.name)));
      row.update(m, current);
      const next = prev ? prev.nextSibling : body.firstChild;
      if (row.el !== next) body.insertBefore(row.el, next);
      prev = row.el;
    }
    for (const [n, r] of known)
      if (!shown.some((m) => m.name === n)) {
        r.el.remove();
        known.delete(n);
      }
    none.hidden = shown.length > 0 || all.length === 0;
    text(
      none,
      `No model fits “${listState.text}”${listState.only === 'all' ? '' : ` among the ${listState.only} ones`}.`,
    );
    table.hidden = shown.length === 0;
    tools.hidden = all.length === 0;
    text(title, all.length === 1 ? '1 model' : `${all.length} models`);
  }
  return {
    el,
    opened() {
      if (document.activeElement === document.body) main.focus({ preventScroll: true });
    },
    update(s) {
      current = s;
      const gone = isLost();
      const state = gone ? 'unreachable' : s.state;
      hero.dataset.state = state;
      text(word, STATE_WORD[state] ?? state);
      const ready = s.models.filter((m) => m.state === 'ready').length;
      const key = JSON.stringify([state, s.reasons, ready, s.models.length]);
      if (why.dataset.key !== key) {
        why.dataset.key = key;
        swap(
          why,
          gone
            ? h('p', null, 'What stands below is from the last answer. The page tries again by itself.')
            : s.reasons.length === 0
              ? h(
                  'p',
                  null,
                  ready < s.models.length
                    ? `${ready} of ${count(s.models.length, 'model')} ${ready === 1 ? 'serves' : 'serve'}; the others wait to be loaded.`
                    : ready === 1
                      ? 'Its model serves.'
                      : ready === 2
                        ? 'Both models serve.'
                        : `All ${ready} models serve.`,
                )
              : s.reasons.length === 1 || s.reasons.every((r) => !r.model)
                ? s.reasons.map((r) => reason(r))
                : [
                    h('p', null, `${s.reasons.filter((r) => r.model).length} models do not serve.`),
                    h(
                      'ul',
                      null,
                      s.reasons.slice(0, 3).map((r) => h('li', null, reason(r))),
                    ),
                    s.reasons.length > 3 && h('p', null, `and ${s.reasons.length - 3} more`),
                  ],
        );
      }
      const w = s.workers;
      text(
        facts,
        gone
          ? `Last answer ${lasting((Date.now() - at) / 1000)} ago`
          : `Up ${lasting(s.uptime_seconds)} · ${w.ready === w.configured ? count(w.configured, 'worker') : `${w.ready} of ${w.configured} workers`}${w.restarts ? ` · ${count(w.restarts, 'restart')}` : ''}`,
      );
      const l = s.last_minute;
      const quiet = l.series.requests.every((v) => !v);
      text(n1, rate(l.requests_per_second));
      const top = s1.draw(
        l.series.requests,
        null,
        `Requests a second over the last minute, now ${rate(l.requests_per_second)}`,
      );
      text(m1, quiet ? 'none' : `peak ${rate(top)}`);
      text(n2, ms(l.p50_ms));
      text(n3, ms(l.p99_ms));
      const t2 = s2.draw(
        l.series.p50_ms,
        l.series.p99_ms,
        `Latency over the last minute: p50 ${ms(l.p50_ms)}, p99 ${ms(l.p99_ms)}`,
      );
      text(m2, quiet ? '' : `peak ${ms(t2)}`);
      const stage = s.models.length === 0 ? 'empty' : s.requests_total === 0 ? 'first' : '';
      if (hello.dataset.stage !== stage) {
        hello.dataset.stage = stage;
        swap(hello, stage === 'empty' ? empty(s) : stage === 'first' ? first(s) : null);
      }
      rows();
    },
  };
}
function reason(r) {
  return r.model
    ? h('span', null, h('a', { href: `#/models/${encodeURIComponent(r.model)}` }, r.model), ` ${r.text}`)
    : h('p', null, sentence(r.text));
}
function empty(s) {
  const cmd = `cp my-model.onnx ${s.model_dir ?? 'models'}/`;
  const c = h('button', { type: 'button', class: 'btn small', onclick: () => copy(cmd, c) }, 'Copy');
  return h(
    'section',
    { class: 'hello' },
    h('h2', null, 'No models yet'),
    h(
      'ol',
      null,
      h('li', null, 'Put a model into the model folder (MODEL_DIR): ', h('code', null, cmd), ' ', c),
      h(
        'li',
        null,
        'It appears here within seconds, under the name of its file. You need not restart anything.',
      ),
      h('li', null, 'Click it, try it with a picture, a text or a row, and copy the call into your code.'),
    ),
  );
}
function first(s) {
  const m =
    s.models.find((x) => x.name === 'digits' && x.state === 'ready') ??
    s.models.find((x) => x.state === 'ready');
  if (!m) return null;
  return h(
    'section',
    { class: 'hello' },
    h('h2', null, 'It runs. Nobody has asked it anything yet.'),
    h(
      'p',
      null,
      'Start with ',
      h('a', { href: `#/models/${encodeURIComponent(m.name)}` }, m.name),
      m.name === 'digits' ? ': draw a number and see it recognised. ' : '. ',
      'Your own models go into the model folder: ',
      h('code', null, `cp my-model.onnx ${s.model_dir ?? 'models'}/`),
    ),
  );
}
function makeRow(name) {
  const link = h('a', { class: 'name', href: `#/models/${encodeURIComponent(name)}` }, name);
  const st = h('span', { class: 'state' });
  const vr = h('span', { class: 'faint small' });
  const sub = h('p', { class: 'sub' });
  const hint = h('p', { class: 'hint' });
  const io = h('span', { class: 'io' });
  const cells = Array.from({ length: 5 }, (_, i) =>
    h('td', {
      role: 'cell',
      class: `num c${i + 2}`,
      'data-l': ['requests/s', 'p50', 'p99', 'rows a run', 'memory'][i],
    }),
  );
  const more = h(
    'button',
    {
      type: 'button',
      class: 'more',
      'aria-label': `Load or unload ${name}`,
      'aria-haspopup': 'true',
      onclick: (e) => menu(e.currentTarget, now),
    },
    '⋯',
  );
  const go = h(
    'button',
    { type: 'button', class: 'btn small', onclick: () => confirmChange(now, 'load') },
    'Load',
  );
  const act = h('td', { role: 'cell', class: 'act' });
  const el = h(
    'tr',
    { role: 'row' },
    h('td', { role: 'cell', class: 'c0' }, h('div', { class: 'id' }, link, st, vr), sub, hint),
    h('td', { role: 'cell', class: 'c1' }, io),
    cells,
    act,
  );
  let now;
  return {
    el,
    update(m, s) {
      now = m;
      el.dataset.state = m.state;
      const versions =
        m.versions.length > 1
          ? `version ${m.version} of ${m.versions.length}`
          : `version ${m.version ?? m.versions[0]?.version ?? '?'}`;
      st.className = `state ${m.state}`;
      text(st, m.state);
      text(vr, versions);
      text(sub, m.state !== 'ready' && m.reason ? sentence(m.reason.text) : (m.description ?? ''));
      sub.hidden = sub.textContent === '';
      const todo = m.state === 'ready' ? '' : (m.reason?.hint ?? '');
      if (hint.dataset.k !== todo) {
        hint.dataset.k = todo;
        swap(hint, todo && [h('b', null, 'What to do: '), todo]);
      }
      hint.hidden = todo === '';
      const a = m.takes ?? '',
        b = m.gives ?? '';
      if (io.dataset.k !== a + b) {
        io.dataset.k = a + b;
        swap(
          io,
          a || b
            ? [
                h('span', null, a),
                ' ',
                h('span', { class: 'arrow', 'aria-hidden': 'true' }, '→'),
                h('span', { class: 'sr' }, ' gives '),
                ' ',
                h('span', null, b),
              ]
            : h('span', { class: 'faint' }, 'known once it has loaded'),
        );
      }
      const l = m.last_minute;
      const v = [
        l ? rate(l.requests_per_second) : '–',
        l ? ms(l.p50_ms) : '–',
        l ? ms(l.p99_ms) : '–',
        l?.rows_per_run ? number(l.rows_per_run) : '–',
        bytes(m.memory_bytes),
      ];
      cells.forEach((c, i) => {
        text(c, v[i]);
        c.classList.toggle('faint', v[i] === '–' || v[i] === '0');
      });
      el.classList.toggle('quiet', !l || m.state !== 'ready');
      const may = s.auth.may;
      const kind =
        m.state === 'ready'
          ? may.includes('load') || may.includes('unload')
            ? 'more'
            : ''
          : may.includes('load') && m.state !== 'loading' && m.state !== 'unloading'
            ? 'go'
            : '';
      if (act.dataset.k !== kind) {
        act.dataset.k = kind;
        swap(act, kind === 'more' ? more : kind === 'go' ? go : null);
      }
      text(go, m.state === 'failed' || m.state === 'quarantined' ? 'Load again' : 'Load');
      go.setAttribute('aria-label', `${go.textContent} ${name}`);
    },
  };
}
const sentence = (t) => t.charAt(0).toUpperCase() + t.slice(1);

/* a menu of two or three buttons */
function menu(button, m) {
  document.querySelector('.menu')?.remove();
  const close = () => {
    box.remove();
    button.setAttribute('aria-expanded', 'false');
    removeEventListener('pointerdown', away, true);
    removeEventListener('scroll', close, true);
  };
  const away = (e) => {
    if (!box.contains(e.target) && e.target !== button) close();
  };
  const item = (label, fn) =>
    h(
      'button',
      {
        type: 'button',
        role: 'menuitem',
        onclick: () => {
          close();
          button.focus();
          fn();
        },
      },
      label,
    );
  const box = h(
    'div',
    { class: 'menu', role: 'menu', 'aria-label': m.name },
    item('Reload…', () => confirmChange(m, 'reload')),
    item('Unload…', () => confirmChange(m, 'unload')),
  );
  box.addEventListener('keydown', (e) => {
    const all = [...box.children];
    const i = all.indexOf(document.activeElement);
    if (e.key === 'Escape' || e.key === 'Tab') {
      close();
      button.focus();
      e.preventDefault();
      e.stopPropagation();
    }
    if (e.key === 'ArrowDown') all[(i + 1) % all.length].focus();
    if (e.key === 'ArrowUp') all[(i - 1 + all.length) % all.length].focus();
    if (e.key.startsWith('Arrow')) e.preventDefault();
  });
  main.append(box);
  const r = button.getBoundingClientRect();
  box.style.top = `${Math.min(r.bottom + 4, innerHeight - box.offsetHeight - 8)}px`;
  box.style.left = `${Math.max(8, r.right - box.offsetWidth)}px`;
  button.setAttribute('aria-expanded', 'true');
  box.firstChild.focus();
  addEventListener('pointerdown', away, true);
  addEventListener('scroll', close, true);
}

/* load, reload, unload */
function confirmChange(m, what) {
  const busy =
    m.last_minute?.requests_per_second > 0
      ? ` It answered ${rate(m.last_minute.requests_per_second)} requests a second in the last minute.`
      : '';
  const words = {
    load: ['Load', `Every worker loads ${m.name} and warms it. It serves when all have it.`],
    reload: [
      'Reload',
      `Every worker loads what the folder has now beside what runs, warms it and checks it; then all swap. Calls are not interrupted, and if one worker cannot load it, nothing changes.`,
    ],
    unload: ['Unload', `Calls to ${m.name} get 503 from then on, until it is loaded again.${busy}`],
  }[what];
  const out = h('div', { class: 'out', role: 'alert' });
  const yes = h(
    'button',
    { type: 'submit', class: what === 'unload' ? 'btn danger' : 'btn main' },
    `${words[0]} ${m.name}`,
  );
  const no = h('button', { type: 'button', class: 'btn', onclick: () => d.close() }, 'Cancel');
  const form = h(
    'form',
    { method: 'dialog' },
    h('h2', null, `${words[0]} ${m.name}?`),
    h('p', null, words[1]),
    out,
    h('div', { class: 'row end' }, no, yes),
  );
  form.addEventListener('submit', async (e) => {
    e.preventDefault();
    yes.disabled = true;
    text(yes, what === 'unload' ? 'Unloading…' : 'Loading…');
    try {
      await api.change(m.name, what === 'unload' ? 'unload' : 'load');
      d.close();
      say(`${m.name}: ${what}ed`);
      poll();
    } catch (fault) {
      yes.disabled = false;
      text(yes, 'Try again');
      swap(
        out,
        h(
          'p',
          { class: 'note bad' },
          fault.status === 0 || fault.code
            ? fault.message
            : `${sentence(fault.message)}${/[.!?]$/.test(fault.message) ? '' : '.'} `,
          what === 'reload' ? ' What served before still serves.' : '',
        ),
      );
    }
  });
  const d = dialog(form);
  (what === 'unload' ? no : yes).focus();
}
function dialog(content) {
  const from = document.activeElement;
  const d = h('dialog', { 'aria-label': content.querySelector('h2').textContent }, content);
  d.addEventListener('close', () => {
    d.remove();
    if (from?.isConnected) from.focus();
  });
  d.addEventListener('click', (e) => {
    if (e.target === d) d.close();
  });
  document.body.append(d);
  d.showModal();
  return d;
}

/* the key */
function askKey(fault) {
  if (document.querySelector('dialog')) {
    const o = document.querySelector('#keyout');
    if (o && fault && api.hasKey()) {
      text(o, fault.message);
      document.getElementById('keyfield')?.setAttribute('aria-invalid', 'true');
    }
    return;
  }
  const field = h('input', {
    type: 'password',
    id: 'keyfield',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': 'keyout keyhelp',
  });
  const out = h(
    'p',
    { id: 'keyout', class: 'err', role: 'alert' },
    api.hasKey() && fault ? fault.message : '',
  );
  const form = h(
    'form',
    null,
    h('h2', null, 'This server wants a key'),
    h('label', { for: 'keyfield' }, 'Key'),
    field,
    out,
    h(
      'p',
      { id: 'keyhelp', class: 'faint' },
      'Kept in the memory of this page only and sent to this server only. It is gone when you close or reload the page, and never part of what you copy here.',
    ),
    h(
      'div',
      { class: 'row end' },
      api.hasKey() &&
        h(
          'button',
          {
            type: 'button',
            class: 'btn',
            onclick: () => {
              api.setKey('');
              d.close();
              poll();
            },
          },
          'Forget it',
        ),
      h('button', { type: 'submit', class: 'btn main' }, 'Use this key'),
    ),
  );
  form.addEventListener('submit', async (e) => {
    e.preventDefault();
    if (!field.value) {
      text(out, 'Type or paste a key.');
      field.focus();
      return;
    }
    api.setKey(field.value.trim());
    text(out, '');
    await poll();
    if (api.isRefused(failing)) {
      text(out, failing.message);
      field.setAttribute('aria-invalid', 'true');
      field.select();
    } else d.close();
  });
  const d = dialog(form);
  field.focus();
}
$('keybtn').addEventListener('click', () => askKey());

/* keys */
let single = true;
$('helpbtn').addEventListener('click', help);
function help() {
  const keys = [
    ['/', 'filter the models'],
    ['↑ ↓', 'from model to model, in the list'],
    ['Enter', 'open the model'],
    ['Esc', 'back to the list, or close what is open'],
    ['Ctrl Enter', 'run (⌘ Enter on a Mac)'],
    ['?', 'this help'],
    ['Arrows, Space', 'on the drawing pad: move, and ink a cell'],
  ];
  const box = h('input', { type: 'checkbox', id: 'single', onchange: () => (single = box.checked) });
  box.checked = single;
  const d = dialog(
    h(
      'div',
      null,
      h('h2', null, 'Keyboard'),
      h(
        'dl',
        { class: 'keys' },
        keys.map(([k, w]) =>
          h(
            'div',
            null,
            h(
              'dt',
              null,
              k.split(' ').map((x) => h('kbd', null, x)),
            ),
            h('dd', null, w),
          ),
        ),
      ),
      h('p', { class: 'check' }, box, h('label', { for: 'single' }, 'Single keys ( / and ? ) work')),
      h(
        'div',
        { class: 'row end' },
        h('button', { type: 'button', class: 'btn main', onclick: () => d.close() }, 'Close'),
      ),
    ),
  );
}
addEventListener('keydown', (e) => {
  if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]'))
    return;
  const typing = e.target.closest?.('input:not([type=checkbox]), textarea, select, [role=application]');
  if (e.key === 'Escape' && route().model && !(typing && typing.tagName === 'TEXTAREA')) {
    location.hash = '#/';
    return;
  }
  if (typing || !single) return;
  if (e.key === '/') {
    e.preventDefault();
    if (route().model) {
      cameFrom = null;
      location.hash = '#/';
      setTimeout(() => $('filter')?.focus(), 50);
    } else $('filter')?.focus();
  }
  if (e.key === '?') help();
});
poll();
