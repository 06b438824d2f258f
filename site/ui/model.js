// One model: try it, copy the call, see where the time goes, and what it is made of.
import * as api from './api.js';
import { ADVICE, bytes, described, formKinds, ms, number, pretty, rate, shape, snippets } from './words.js';
import { copy, h, id, say, stageBar, swap, text } from './dom.js';
import { FORMS, jsonForm } from './forms.js';
import { showAnswer } from './answers.js';

export function modelView(name, { confirmChange, status }) {
  const alive = new AbortController();
  const st = h('span', { class: 'state' }),
    line = h('p', { class: 'line' }),
    desc = h('p', { class: 'desc' }),
    actions = h('div', { class: 'row' }),
    trouble = h('div');
  const pick = h('select', { 'aria-label': 'Version', hidden: true });
  const nameCopy = h(
    'button',
    {
      type: 'button',
      class: 'plain',
      'aria-label': `Copy name ${name}`,
      onclick: () => copy(name, nameCopy),
    },
    'Copy name',
  );
  const tryBox = h('div', { class: 'try' }),
    codeBox = h('section', { class: 'card code', 'aria-labelledby': 'h-code', hidden: true }),
    timeBox = h('section', { class: 'card', 'aria-labelledby': 'h-time' }),
    versBox = h('section', { class: 'card', 'aria-labelledby': 'h-vers' }),
    ioBox = h('section', { class: 'card', 'aria-labelledby': 'h-io' });
  const el = h(
    'div',
    { class: 'model' },
    h('nav', { class: 'crumb', 'aria-label': 'Where you are' }, h('a', { href: '#/' }, '← All models')),
    h(
      'div',
      { class: 'head' },
      h('div', null, h('div', { class: 'id' }, h('h1', null, name), st, pick, nameCopy), desc, line),
      actions,
    ),
    trouble,
    tryBox,
    codeBox,
    h('div', { class: 'two' }, timeBox, versBox, ioBox),
  );
  let detail = null,
    asked = '',
    live = null,
    running = null,
    lang = 'curl';

  async function load() {
    try {
      detail = described(await api.model(name, alive.signal));
      build();
    } catch (e) {
      if (e.name !== 'AbortError') {
        asked = '';
        if (live?.state === 'ready') swap(tryBox, fault(e));
      }
    }
  }

  /* try it */
  function build() {
    const kinds = formKinds(detail);
    const answer = h('div', { class: 'answer', 'aria-live': 'off' });
    const foot = h('div', { class: 'answerfoot' });
    const cache = h('input', { type: 'checkbox', id: id('c') });
    cache.checked = true;
    const runBtn = h(
      'button',
      { type: 'button', class: 'btn main', onclick: () => run() },
      'Run',
      h('kbd', null, navigator.platform?.startsWith('Mac') ? '⌘ Enter' : 'Ctrl Enter'),
    );
    const formBox = h('div', { class: 'form' });
    const modes = h('div', { class: 'seg', role: 'group', 'aria-label': 'How to enter it' });
    const form = {
      changed: () => {
        showCode();
      },
      run: () => run(),
      answer,
    };
    let mode = kinds[0];
    let current;
    const set = (to) => {
      let body = null;
      try {
        body = current?.body?.(true); // what the call below shows
      } catch {
        /* half filled in: the next form begins anew */
      }
      mode = to;
      current?.close?.();
      current = to === 'json' ? jsonForm(detail, form, body?.json) : FORMS[to](detail, form);
      swap(formBox, current.el);
      for (const b of modes.children) b.setAttribute('aria-pressed', String(b.dataset.k === to));
      showCode();
    };
    if (kinds.length > 1)
      swap(
        modes,
        kinds.map((k) =>
          h('button', { type: 'button', 'data-k': k, onclick: () => mode !== k && set(k) }, FORM_WORD[k]),
        ),
      );
    swap(answer, h('p', { class: 'wait' }, WAIT_WORD[mode]));
    swap(
      tryBox,
      h(
        'section',
        { class: 'card', 'aria-labelledby': 'h-try' },
        h('div', { class: 'cardhead' }, h('h2', { id: 'h-try' }, 'Try it'), modes),
        formBox,
        h(
          'div',
          { class: 'row runrow' },
          runBtn,
          h('span', { class: 'check' }, cache, h('label', { for: cache.id }, 'Cache')),
        ),
      ),
      h(
        'section',
        { class: 'card', 'aria-labelledby': 'h-ans' },
        h('div', { class: 'cardhead' }, h('h2', { id: 'h-ans' }, 'Answer')),
        answer,
        foot,
      ),
    );
    tryBox.onkeydown = (e) => {
      if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) {
        e.preventDefault();
        run();
      }
    };

    async function run() {
      let body;
      try {
        body = current.body();
      } catch (e) {
        swap(answer, fault({ message: e.message, code: e.code ?? null, local: true }));
        current.focusError?.(e);
        say(e.message);
        return;
      }
      if (!body) return;
      running?.abort();
      running = new AbortController();
      const mine = running;
      answer.setAttribute('aria-busy', 'true');
      const slow = setTimeout(() => answer.classList.add('busy'), 150);
      try {
        const got = await api.infer(
          name,
          { version: pick.hidden ? undefined : pick.value || undefined, cache: cache.checked },
          body.bytes ?? body.text,
          body.type,
          mine.signal,
        );
        current.ok?.();
        const words = showAnswer(answer, got, detail, { form: current, kind: mode });
        swap(foot, footer(got));
        say(words);
      } catch (e) {
        if (e.name === 'AbortError') return;
        swap(answer, fault(e));
        swap(foot);
        current.mark?.(e);
        say(e.message);
      } finally {
        clearTimeout(slow);
        if (mine === running) {
          answer.classList.remove('busy');
          answer.removeAttribute('aria-busy');
        }
      }
    }
    function showCode() {
      let body;
      try {
        body = current.body(true);
      } catch {
        return;
      }
      codeBox.hidden = !body;
      if (!body) return;
      const url = api.absolute(
        api.inferUrl(name, {
          version: pick.hidden ? undefined : pick.value || undefined,
          cache: cache.checked ? undefined : false,
        }),
      );
      const all = snippets({
        url,
        body: body.text,
        file: body.file,
        type: body.type,
        key: api.hasKey() || status()?.auth.required,
      });
      if (!codeBox.firstChild) {
        const pre = h('pre', { tabindex: '0', 'aria-label': 'Code' });
        const tabs = h(
          'div',
          { class: 'seg', role: 'group', 'aria-label': 'Language' },
          Object.keys(all).map((k) =>
            h(
              'button',
              {
                type: 'button',
                'data-k': k,
                onclick: () => {
                  lang = k;
                  paint();
                },
              },
              k,
            ),
          ),
        );
        const cp = h(
          'button',
          { type: 'button', class: 'btn small', onclick: () => copy(pre.textContent, cp) },
          'Copy',
        );
        const save = h(
          'button',
          {
            type: 'button',
            class: 'btn small',
            hidden: true,
            onclick: () => download('request.json', codeBox.big),
          },
          'Save request.json',
        );
        codeBox.append(
          h(
            'div',
            { class: 'cardhead' },
            h('h2', { id: 'h-code' }, 'The same call'),
            tabs,
            h('span', { class: 'grow' }),
            save,
            cp,
          ),
          pre,
        );
        codeBox.paint = paint;
        function paint() {
          text(pre, codeBox.all[lang]);
          save.hidden = !codeBox.big;
          for (const b of tabs.children) b.setAttribute('aria-pressed', String(b.dataset.k === lang));
        }
      }
      codeBox.all = all;
      codeBox.big = !body.file && body.text.length > 1200 ? body.text : null;
      codeBox.paint();
    }
    cache.addEventListener('change', showCode);
    pick.onchange = showCode;
    set(mode);
    paintIo();
  }
  function footer(got) {
    const a = got.answer;
    const from =
      a.cached || got.cache === 'HIT'
        ? `from the cache${got.age ? `, ${got.age} s old` : ''}`
        : got.cache === 'SHARED'
          ? 'shared with an equal call'
          : got.cache === 'BYPASS'
            ? 'computed, cache left out'
            : 'computed';
    return [
      h(
        'p',
        { class: 'took' },
        h('b', null, ms(a.processing_time * 1000)),
        ` in the server, ${ms(got.wall)} seen from here · ${from}`,
      ),
      got.stages && stageBar(got.stages, ms),
    ];
  }
  function fault(e) {
    const title = e.local
      ? 'Not sent'
      : e.status === 0
        ? 'Not reached'
        : e.status >= 500
          ? e.status === 503
            ? 'Not now'
            : e.status === 504
              ? 'Too slow'
              : 'The server failed'
          : e.status === 401 || e.status === 403
            ? 'Not allowed'
            : e.status === 404
              ? 'Not there'
              : 'Not understood';
    const advice = e.retryAfter
      ? `It asks to come back in ${e.retryAfter} s.`
      : (ADVICE[e.code] ??
        (e.status >= 500 && e.status !== 503 && e.status !== 504
          ? 'The log has more under the request’s id.'
          : ''));
    return h(
      'div',
      { class: 'fault', role: 'group', 'aria-label': 'Error' },
      h('h3', null, title),
      h('p', { class: 'msg' }, e.message),
      advice && h('p', null, advice),
      !e.local &&
        h(
          'p',
          { class: 'faint mono' },
          [e.status ? String(e.status) : null, e.code, e.requestId ? `request ${e.requestId}` : null]
            .filter(Boolean)
            .join(' · '),
        ),
    );
  }

  /* what it is */
  function paintIo() {
    const m = detail ?? {};
    const table = (cap, ts) =>
      ts.length === 0
        ? null
        : h(
            'div',
            null,
            h('h3', null, cap),
            h(
              'div',
              { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': cap },
              h(
                'table',
                { class: 'io-t' },
                h(
                  'thead',
                  null,
                  h(
                    'tr',
                    null,
                    ['Name', 'Type', 'Shape'].map((t) => h('th', { scope: 'col' }, t)),
                  ),
                ),
                h(
                  'tbody',
                  null,
                  ts.map((t) =>
                    h(
                      'tr',
                      null,
                      h('th', { scope: 'row', class: 'mono' }, t.name),
                      h('td', { class: 'mono' }, t.datatype),
                      h('td', { class: 'mono' }, shape(t)),
                    ),
                  ),
                ),
              ),
            ),
          );
    const d = m.declared;
    const side = (cap, list) =>
      list.length > 0 && [
        h('h3', null, cap),
        list.map((x) =>
          h(
            'dl',
            { class: 'declared' },
            h('div', null, h('dt', { class: 'mono' }, x.name), h('dd', null, h('b', null, x.type))),
            Object.entries(x.keys).map(([key, { value, from }]) =>
              h(
                'div',
                null,
                h('dt', null, key),
                h('dd', null, short(value), ' ', h('span', { class: 'faint' }, from)),
              ),
            ),
          ),
        ),
      ];
    const decl =
      d &&
      h(
        'div',
        { class: 'iopair' },
        h('div', null, side('Takes', d.inputs)),
        h('div', null, side('Gives', d.outputs)),
      );
    const names = (dir) => m[dir] ?? [];
    const example = m.declaredExample?.body ?? m.example;
    const ex =
      example &&
      h(
        'details',
        null,
        h('summary', null, 'Example request'),
        h('pre', { tabindex: '0' }, cut(pretty(example))),
      );
    swap(
      ioBox,
      h('div', { class: 'cardhead' }, h('h2', { id: 'h-io' }, 'Inputs and outputs')),
      decl,
      m.inputs?.length || m.outputs?.length
        ? h(
            'div',
            { class: 'iopair' },
            table(d ? 'Tensors in' : 'In', names('inputs')),
            table(d ? 'Tensors out' : 'Out', names('outputs')),
          )
        : h('p', { class: 'faint' }, 'Known once it has loaded.'),
      ex,
    );
  }

  const view = {
    el,
    close: () => {
      alive.abort();
      running?.abort();
    },
    update(s) {
      const m = s.models.find((x) => x.name === name);
      live = m ?? null;
      if (!m) {
        st.className = 'state failed';
        text(st, 'not there');
        text(desc, '');
        swap(line);
        swap(actions);
        delete line.dataset.k;
        delete actions.dataset.k;
        nameCopy.hidden = pick.hidden = true;
        swap(
          trouble,
          h(
            'p',
            { class: 'note bad' },
            `There is no model “${name}” on this server. `,
            h('a', { href: '#/' }, 'All models'),
          ),
        );
        for (const b of [tryBox, codeBox, timeBox, versBox, ioBox]) b.hidden = true;
        return;
      }
      nameCopy.hidden = false;
      for (const b of [ioBox]) b.hidden = false;
      st.className = `state ${m.state}`;
      text(st, m.state);
      text(desc, m.description ?? detail?.description ?? '');
      desc.hidden = desc.textContent === '';
      const l = m.last_minute;
      const io = m.takes ? `${m.takes} → ${m.gives}` : '';
      const facts = [
        io,
        m.versions.length < 2 ? `version ${m.version ?? m.versions[0]?.version}` : null,
        l && `${rate(l.requests_per_second)} requests/s`,
        m.memory_bytes ? bytes(m.memory_bytes) : null,
        m.queue ? `${m.queue} waiting` : null,
      ].filter(Boolean);
      if (line.dataset.k !== facts.join()) {
        line.dataset.k = facts.join();
        swap(
          line,
          facts.flatMap((f, i) => [i ? '  ·  ' : '', h('span', null, f)]),
        );
      }
      pick.hidden = m.versions.length < 2 || m.state !== 'ready';
      const vk = m.versions.map((v) => v.version + v.state).join();
      if (pick.dataset.k !== vk) {
        pick.dataset.k = vk;
        swap(
          pick,
          m.versions.map((v) => {
            const o = h(
              'option',
              { value: v.default ? '' : v.version },
              `version ${v.version}${v.default ? '' : v.state === 'ready' ? '' : ` (${v.state})`}`,
            );
            o.disabled = v.state !== 'ready';
            return o;
          }),
        );
      }
      const may = s.auth.may;
      const ak = m.state + may.join();
      if (actions.dataset.k !== ak) {
        actions.dataset.k = ak;
        const b = (label, what, cls = 'btn') =>
          h('button', { type: 'button', class: cls, onclick: () => confirmChange(live, what) }, label);
        swap(
          actions,
          m.state === 'ready'
            ? [
                may.includes('load') && b('Reload…', 'reload'),
                may.includes('unload') && b('Unload…', 'unload'),
              ]
            : m.state === 'loading' || m.state === 'unloading'
              ? null
              : may.includes('load')
                ? b(m.state === 'unavailable' ? 'Load…' : 'Load again…', 'load', 'btn main')
                : null,
        );
      }
      const tk = m.state + JSON.stringify(m.reason);
      if (trouble.dataset.k !== tk) {
        trouble.dataset.k = tk;
        const r = m.reason;
        swap(
          trouble,
          m.state === 'ready'
            ? null
            : h(
                'div',
                { class: `note ${m.state === 'failed' || m.state === 'quarantined' ? 'bad' : 'warn'}` },
                h(
                  'p',
                  null,
                  h(
                    'b',
                    null,
                    {
                      failed: 'It cannot be loaded: ',
                      quarantined: 'Kept out of service: ',
                      loading: 'Loading: ',
                      unavailable: 'Not in service: ',
                      unloading: 'Unloading: ',
                    }[m.state] ?? '',
                  ),
                  r?.text ?? (m.state === 'unavailable' ? 'it loads with the first call that names it.' : ''),
                ),
                r?.hint && h('p', null, h('b', null, 'What to do: '), r.hint),
                r?.detail &&
                  r.detail !== r.text &&
                  h(
                    'details',
                    null,
                    h('summary', null, 'What the runtime said'),
                    h('p', { class: 'mono' }, r.detail),
                  ),
              ),
        );
      }
      tryBox.hidden = m.state !== 'ready';
      if (m.state !== 'ready') codeBox.hidden = true;
      const want = `${m.state}:${m.version}`;
      if (asked !== want) {
        asked = want;
        if (m.state === 'ready') load();
        else {
          detail = null;
          paintIo();
        }
      }
      times(m);
      versions(m);
    },
  };
  function times(m) {
    const l = m.last_minute;
    timeBox.hidden = !l || m.state !== 'ready';
    if (timeBox.hidden) return;
    const k = JSON.stringify(l);
    if (timeBox.dataset.k === k) return;
    timeBox.dataset.k = k;
    swap(
      timeBox,
      h(
        'div',
        { class: 'cardhead' },
        h('h2', { id: 'h-time' }, 'Where the time goes'),
        h('span', { class: 'faint' }, 'mean of a call, last minute'),
      ),
      l.stages_ms ? stageBar(l.stages_ms, ms) : h('p', { class: 'faint' }, 'No calls in the last minute.'),
      h(
        'dl',
        { class: 'facts4' },
        [
          ['p50', ms(l.p50_ms)],
          ['p99', ms(l.p99_ms)],
          ['Rows a run', l.rows_per_run ? number(l.rows_per_run) : '–'],
          ['In the queue', number(m.queue ?? 0)],
        ].map(([a, b]) => h('div', null, h('dt', null, a), h('dd', null, b))),
      ),
    );
  }
  function versions(m) {
    versBox.hidden = m.versions.length < 2;
    ioBox.classList.toggle('wide', !versBox.hidden || timeBox.hidden);
    const k = JSON.stringify([m.versions, m.state]);
    if (versBox.dataset.k === k) return;
    versBox.dataset.k = k;
    swap(
      versBox,
      h(
        'div',
        { class: 'cardhead' },
        h('h2', { id: 'h-vers' }, m.versions.length === 1 ? 'Version' : 'Versions'),
      ),
      h(
        'ul',
        { class: 'vers' },
        m.versions.map((v) =>
          h(
            'li',
            null,
            h('b', null, v.version),
            h('span', { class: `state ${v.state}` }, v.state),
            h(
              'span',
              { class: 'faint' },
              [
                v.default && v.state === 'ready'
                  ? 'answers calls that name none'
                  : v.state === 'unavailable' && m.state === 'ready'
                    ? 'loads when a call names it'
                    : '',
                v.size_bytes ? bytes(v.size_bytes) : '',
              ]
                .filter(Boolean)
                .join(' · '),
            ),
          ),
        ),
      ),
    );
  }
  return view;
}
const FORM_WORD = { pad: 'Draw', picture: 'Picture', text: 'Text', table: 'Table', json: 'JSON' };
const WAIT_WORD = {
  pad: 'Draw a number on the left. The answer comes as you lift the pen.',
  picture: 'Drop a picture on the left, paste one, or take the example.',
  text: 'Write something and press Run.',
  table: 'Fill in a row and press Run.',
  json: 'Press Run to send the example.',
};
/** A declared value in a line. */
function short(value) {
  const all = typeof value === 'string' ? value : JSON.stringify(value);
  return all.length <= 120
    ? all
    : Array.isArray(value)
      ? `${number(value.length)} values`
      : `${all.slice(0, 117)}…`;
}
const cut = (s) =>
  s.length > 20000 ? `${s.slice(0, 20000)}\n… ${number(s.length - 20000)} characters more` : s;
function download(name, body) {
  const a = h('a', {
    download: name,
    href: URL.createObjectURL(new Blob([body], { type: 'application/json' })),
  });
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}
