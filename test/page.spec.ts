import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { Page as PageFiles } from '../src/admin/page';
import { withBrowser } from './helpers/browser';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { addModel } from './helpers/onnx-models';
import { describeWith } from './helpers/requirements-of-tests';
import { startServer, type TestServer } from './helpers/server';

const SITE = join(__dirname, '..', 'site');
const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

interface Status {
  state: string;
  reasons: { model?: string; text: string }[];
  requests_total: number;
  workers: object;
  last_minute: { requests_per_second: number; series: Record<string, (number | null)[]> };
  models: { name: string; state: string; reason: { text: string } | null; last_minute: object | null }[];
}

describe('the page', () => {
  it('is small', () => {
    const files = readdirSync(SITE, { recursive: true, encoding: 'utf8' }).map((name) =>
      statSync(join(SITE, name)),
    );
    const bytes = files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
    expect(bytes).toBeLessThanOrEqual(150_000);
  });

  it('is HTML for browsers and JSON for programs', async () => {
    const server = await startServer();
    const page = await fetch(server.url, { headers: HTML });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'self'/);
    expect(page.headers.get('vary')).toMatch(/accept/i);
    expect(await page.text()).toContain('<meta name="nestor-api" content="api" />');
    const known = { ...HTML, 'if-none-match': page.headers.get('etag') ?? '' };
    expect((await fetch(server.url, { headers: known })).status).toBe(304);

    const json = await server.get('/');
    expect(json).toMatchObject({ status: 200, body: { message: 'Welcome to Nestor', docs: '/docs' } });
    expect((await fetch(`${server.url}/ui/app.js`)).headers.get('content-type')).toMatch(/javascript/);
    for (const path of ['/ui/nothing.js', '/ui/..%2findex.html', '/ui/', '/ui'])
      expect((await fetch(server.url + path)).status).toBe(404);
    await server.stop();
  });

  it('knows where the calls of the server begin', () => {
    const html = new PageFiles('/models/v1').index.body.toString();
    expect(html).toContain('<meta name="nestor-api" content="models/v1" />');
  });

  it('is not there with PAGE=off', async () => {
    const server = await startServer({ PAGE: 'off' });
    const root = await fetch(server.url, { headers: HTML });
    expect(root.headers.get('content-type')).toMatch(/json/);
    expect((await fetch(`${server.url}/ui/app.js`)).status).toBe(404);
    await server.stop();
  });
});

describe('the status', () => {
  const folder = temporaryFolder();

  it('names what serves, what does not and why, and what happened', async () => {
    writeModel(folder, 'broken', Buffer.from('no model'), { version: '1' });
    writeModel(folder, 'adds', addModel(4), { version: '1' });
    const server = await startServer({ WORKERS: '2', MODEL_DIR: folder });
    const first = await server.get<Status>('/api/status');
    expect(first).toMatchObject({ status: 200, body: { state: 'degraded', requests_total: 0 } });
    expect(first.body.workers).toMatchObject({
      ready: expect.any(Number) as number,
      configured: 2,
      restarts: 0,
    });
    expect(first.body.reasons).toEqual([{ model: 'broken', text: expect.stringMatching(/./) as string }]);
    const states = first.body.models.map(({ name, state }) => [name, state]);
    expect(states).toEqual([
      ['adds', 'ready'],
      ['broken', 'failed'],
    ]);

    const { body: example } = await server.get<{ example: unknown }>('/api/inference/adds');
    for (let i = 0; i < 5; i++) await server.post('/api/inference/adds', example.example);
    await server.until('the calls show', async () => {
      const { body } = await server.get<Status>('/api/status');
      return body.requests_total === 5 && body.models[0]?.last_minute !== null;
    });
    const { body } = await server.get<Status>('/api/status');
    expect(body.last_minute.requests_per_second).toBeGreaterThan(0);
    expect(body.last_minute.series.requests).toHaveLength(60);
    await server.stop();
  });
});

describe('the status of a server with keys', () => {
  const ADMIN = 'an-admin-key-of-at-least-32-characters';
  const CALLER = 'a-caller-key-of-at-least-32-characters';

  it('says what its caller may do, and nothing to strangers', async () => {
    const server = await startServer({ API_KEY: CALLER, ADMIN_KEY: ADMIN });
    const may = async (key: string): Promise<unknown> =>
      (await server.get<{ auth: unknown }>('/api/status', { authorization: `Bearer ${key}` })).body.auth;
    expect(await may(ADMIN)).toEqual({ required: true, may: ['infer', 'load', 'unload'] });
    expect(await may(CALLER)).toEqual({ required: true, may: ['infer'] });
    expect((await server.get('/api/status')).status).toBe(401);
    // The page itself is open: it asks for the key.
    expect((await fetch(server.url, { headers: HTML })).status).toBe(200);
    await server.stop();
  });

  it('offers no changes to who comes through a proxy', async () => {
    const server = await startServer();
    const { body } = await server.get<{ auth: unknown }>('/api/status', { 'x-forwarded-for': '192.0.2.1' });
    expect(body.auth).toEqual({ required: false, may: ['infer'] });
    await server.stop();
  });
});

describeWith('chromium', 'the page in a browser', (chromium) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  /** Runs `visit` on the page, and says what a strict reader of the console would find. */
  async function visit(
    path: string,
    look: (page: Page, browser: BrowserContext) => Promise<void>,
  ): Promise<void> {
    await withBrowser(chromium, async (browser) => {
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('console', (message) => {
        if (/Content Security|Refused/i.test(message.text())) faults.push(message.text());
      });
      page.on('request', (request) => {
        if (!request.url().startsWith(server.url)) faults.push(request.url());
      });
      await page.goto(server.url + path);
      await look(page, browser);
      expect(faults).toEqual([]);
    });
  }

  const focused = (page: Page): Promise<string> =>
    page.evaluate<string>('document.activeElement?.textContent ?? ""');

  it('is walked through by keyboard alone: filter, open, run, back to the row', async () => {
    await visit('/', async (page) => {
      await page.waitForSelector('.hero');
      await page.keyboard.press('/');
      await page.keyboard.type('iri');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.waitForSelector('.sheet');
      expect(page.url()).toMatch(/#\/models\/iris$/);
      await page.locator('.sheet input').first().focus();
      await page.keyboard.press('Control+Enter');
      await page.waitForSelector('.winner');
      await page.locator('#h-try').click();
      await page.keyboard.press('Escape');
      await page.waitForSelector('.hero');
      await page.locator('a.name:focus', { hasText: 'iris' }).waitFor();
    });
  });

  it('draws a digit and sees it recognised', async () => {
    await visit('/#/models/digits', async (page) => {
      await page.locator('canvas.pad').focus();
      for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowRight');
      for (let i = 0; i < 7; i++) {
        await page.keyboard.press('Space');
        await page.keyboard.press('ArrowDown');
      }
      await page.keyboard.press('Control+Enter');
      await page.waitForSelector('.winner');
      expect(await page.locator('.winner b').innerText()).toBe('1');
    });
  });

  it('unloads and loads a model, and asks before', async () => {
    await visit('/#/models/iris', async (page) => {
      await page.getByRole('button', { name: 'Unload…' }).click();
      expect(await focused(page)).toContain('Cancel');
      await page.getByRole('button', { name: 'Unload iris' }).click();
      await page.locator('.head .state', { hasText: /^unavailable$/ }).waitFor();
      await page.getByRole('button', { name: /^Load/ }).click();
      await page.getByRole('button', { name: 'Load iris' }).click();
      await page.locator('.head .state', { hasText: /^ready$/ }).waitFor();
    });
  });

  it.each([
    [320, 600],
    [640, 400],
  ])('needs no sideways scroll at %i x %i', async (width, height) => {
    await visit('/#/models/iris', async (page) => {
      await page.setViewportSize({ width, height });
      await page.waitForSelector('.sheet');
      const beyond = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      expect(beyond).toBeLessThanOrEqual(0);
    });
  });
});
