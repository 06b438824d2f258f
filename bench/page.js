/**
 * How soon is the page there? Opens it in Chromium, each time with an empty cache, and asks the browser itself: when the
 * list of models (or one model's form) can be used, counted from the navigation, and what it fetched.
 * node bench/page.js [--models 2,100] [--visits 9] [--chromium /usr/bin/chromium]
 */
const { spawn } = require('node:child_process');
const { copyFileSync, mkdirSync, mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { parseArgs } = require('node:util');
const { chromium } = require('playwright-core');
const { freePort } = require('./lib/free-port');

const ROOT = join(__dirname, '..');
const IRIS = join(ROOT, 'models/iris/1/model.onnx');
const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: '2,100' },
    visits: { type: 'string', default: '9' },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
  },
});

/** In the page: when what `selector` names is drawn, in milliseconds from the navigation on. */
const whenThere = (selector) =>
  new Promise((resolve) => {
    const look = () => {
      if (globalThis.document.querySelector(selector) === null) return globalThis.requestAnimationFrame(look);
      // The next frame has been drawn with it, and the thread is free for a click.
      globalThis.requestAnimationFrame(() => setTimeout(() => resolve(globalThis.performance.now())));
    };
    look();
  });

async function served(dir, count, measure) {
  const port = await freePort();
  const env = { ...process.env, PORT: String(port), HOST: '127.0.0.1', MODEL_DIR: dir, LOG_DIR: '' };
  env.MAX_RESIDENT_MODELS = String(Math.max(count, 5));
  const child = spawn(process.execPath, [join(ROOT, 'dist/main.js')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) =>
    child.stdout.on('data', (chunk) => `${chunk}`.includes('is ready at') && resolve()),
  );
  try {
    return await measure(`http://127.0.0.1:${port}/`);
  } finally {
    child.kill();
    await new Promise((resolve) => child.once('exit', resolve));
  }
}

async function visit(browser, url, selector) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url, { waitUntil: 'commit' });
  const ms = await page.evaluate(whenThere, selector);
  const bytes = await page.evaluate(() =>
    ['navigation', 'resource']
      .flatMap((kind) => globalThis.performance.getEntriesByType(kind))
      .filter(({ name }) => !name.includes('/api/'))
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
  );
  await context.close();
  return { ms, bytes };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function main() {
  const browser = await chromium.launch({ executablePath: options.chromium, args: ['--no-sandbox'] });
  for (const count of options.models.split(',').map(Number)) {
    const folder = mkdtempSync(join(tmpdir(), 'nestor-page-'));
    for (let i = 0; i < count; i++) {
      mkdirSync(join(folder, `m${i}`, '1'), { recursive: true });
      copyFileSync(IRIS, join(folder, `m${i}`, '1', 'model.onnx'));
    }
    await served(folder, count, async (url) => {
      const status = (await (await fetch(`${url}api/status`)).text()).length;
      for (const [what, path, selector] of [
        ['list', '', 'a.name'],
        ['model', '#/models/m0', '.sheet input'],
      ]) {
        const visits = [];
        for (let i = 0; i < Number(options.visits); i++)
          visits.push(await visit(browser, url + path, selector));
        const times = visits.map(({ ms }) => ms);
        console.log(
          `${String(count).padStart(4)} models, ${what.padEnd(5)}: ready after ${median(times).toFixed(0)} ms (${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)}), ${visits[0].bytes} bytes; status ${status} bytes`,
        );
      }
    });
    rmSync(folder, { recursive: true });
  }
  await browser.close();
}

void main();
