import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Locator, Page } from 'playwright-core';
import { withBrowser } from './helpers/browser';
import { describeWith } from './helpers/requirements-of-tests';
import { startServer, type TestServer } from './helpers/server';

/** What a page has that Node's types do not know. */
interface Beacon {
  readonly navigator: { sendBeacon(url: string, body: string): boolean };
}

const ADMIN_KEY = 'adm-8c1d2e3f4a5b6c7d8e9f0a1b2c3d';

/** With keys, and without. */
let locked: TestServer;
let open: TestServer;
beforeAll(async () => {
  [locked, open] = await Promise.all([
    startServer({ MODEL_NAMES: 'iris', ADMIN_KEY }),
    startServer({ MODEL_NAMES: 'iris' }),
  ]);
});
afterAll(() => Promise.all([locked.stop(), open.stop()]));

describeWith('chromium', 'a web page of another origin', (chromium) => {
  let site: Server;
  let origin: string;

  beforeAll(async () => {
    site = createServer((_, res) => res.setHeader('content-type', 'text/html').end('<!doctype html>'));
    await once(site.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  });
  afterAll(() => site.close());

  /** Everything that a page can try by itself: with and without a preflight, blindly, by a form, by an image. */
  function attack(server: TestServer, headers: Record<string, string> = {}): Promise<unknown[]> {
    const { url } = server;
    return withBrowser(chromium, async (browser) => {
      const page = await browser.newPage();
      await page.goto(origin);
      const outcomes: unknown[] = await page.evaluate(
        async ([server, headers]) => {
          const calls = ['/v2/repository/models/iris/unload', '/api/cache/clear'];
          const tries: RequestInit[] = [
            { method: 'POST' },
            { method: 'POST', mode: 'no-cors' },
            { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' },
            { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: '{}' },
            { method: 'POST', credentials: 'include', keepalive: true },
          ];
          const outcomes: unknown[] = [];
          for (const call of calls)
            for (const options of tries)
              outcomes.push(
                await fetch(server + call, options).then(
                  (answer) => (answer.type === 'opaque' ? 'opaque' : answer.status),
                  () => 'blocked',
                ),
              );
          (globalThis as unknown as Beacon).navigator.sendBeacon(
            `${server}/v2/repository/models/iris/unload`,
            '{}',
          );
          return outcomes;
        },
        [url, headers] as const,
      );
      await page.setContent(
        `<form method="post" action="${url}/v2/repository/models/iris/unload" enctype="text/plain"></form>`,
      );
      await Promise.all([page.waitForNavigation(), page.evaluate('document.forms[0].submit()')]);
      return outcomes;
    });
  }

  const isServed = async (server: TestServer, headers: Record<string, string> = {}): Promise<boolean> =>
    (await server.get('/v2/models/iris/ready', headers)).status === 200;

  it('changes nothing with a key either, unless CORS_ORIGINS names it', async () => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    expect(new Set(await attack(locked, headers))).toEqual(new Set(['blocked', 'opaque']));
    expect(await isServed(locked, headers)).toBe(true);
    const named = await startServer({ MODEL_NAMES: 'iris', ADMIN_KEY, CORS_ORIGINS: origin });
    expect(await attack(named, headers)).toContain(200);
    expect(await isServed(named, headers)).toBe(false);
    await named.stop();
  });

  it('changes nothing on a server without keys, whatever it tries', async () => {
    const outcomes = await attack(open);
    expect(new Set(outcomes)).toEqual(new Set(['blocked', 'opaque']));
    expect(await isServed(open)).toBe(true);
    // The same from a program on this machine goes through.
    expect((await open.post('/v2/repository/models/iris/unload', {})).status).toBe(200);
    expect(await isServed(open)).toBe(false);
  });
});

describeWith('chromium', 'the documentation', (chromium) => {
  async function onDocs(server: TestServer, look: (page: Page) => Promise<void>): Promise<void> {
    await withBrowser(chromium, async (browser) => {
      const page = await browser.newPage();
      await page.goto(`${server.url}/docs`);
      await look(page);
    });
  }

  /** Executes a call whose form is open: the status that is shown then. */
  async function statusOf(call: Locator): Promise<string> {
    await call.locator('button.execute').click();
    const live = call.locator('.live-responses-table tbody .response').first();
    await live.waitFor();
    return (await live.locator('.response-col_status').innerText()).trim();
  }

  /** A call that changes something, from the server's own page. */
  async function load(page: Page): Promise<string> {
    const call = page.locator('[id$=V2RepositoryController_load]');
    await call.locator('.opblock-summary').click();
    await call.locator('textarea.body-param__text').fill('{}');
    return statusOf(call);
  }

  it('of a server with keys has a button by which one is given, and calls then have it', async () => {
    await onDocs(locked, async (page) => {
      const list = page.locator('#operations-inference-NativeController_list');
      await list.locator('.opblock-summary').click();
      expect(await statusOf(list)).toMatch(/^401/);
      await page.locator('.auth-wrapper button.authorize').first().click();
      await page.locator('.auth-container input').fill(ADMIN_KEY);
      await page.locator('.auth-btn-wrapper button.authorize').click();
      await page.locator('.auth-btn-wrapper button.btn-done').click();
      await list.locator('button.btn-clear').click();
      expect(await statusOf(list)).toMatch(/^200/);
      expect(await load(page)).toMatch(/^200/);
    });
  });

  it('of a server without keys has none, and may change the server', async () => {
    await onDocs(open, async (page) => {
      await page.locator('[id$=V2RepositoryController_load]').waitFor();
      expect(await page.locator('.auth-wrapper button.authorize').count()).toBe(0);
      expect(await load(page)).toMatch(/^200/);
    });
  });
});
