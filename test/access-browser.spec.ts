import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { withBrowser } from './helpers/browser';
import { describeWith } from './helpers/requirements-of-tests';
import { startServer, type TestServer } from './helpers/server';

/** What a page has that Node's types do not know. */
interface Beacon {
  readonly navigator: { sendBeacon(url: string, body: string): boolean };
}

const ADMIN_KEY = 'adm-8c1d2e3f4a5b6c7d8e9f0a1b2c3d';

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

  it('changes nothing on a server without keys, whatever it tries', async () => {
    const server = await startServer({ MODEL_NAMES: 'iris' });
    const outcomes = await attack(server);
    expect(new Set(outcomes)).toEqual(new Set(['blocked', 'opaque']));
    expect(await isServed(server)).toBe(true);
    // The same from a program on this machine goes through.
    expect((await server.post('/v2/repository/models/iris/unload', {})).status).toBe(200);
    expect(await isServed(server)).toBe(false);
    await server.stop();
  });

  it('changes nothing with a key either, unless CORS_ORIGINS names it', async () => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const server = await startServer({ MODEL_NAMES: 'iris', ADMIN_KEY });
    expect(new Set(await attack(server, headers))).toEqual(new Set(['blocked', 'opaque']));
    expect(await isServed(server, headers)).toBe(true);
    await server.stop();
    const named = await startServer({ MODEL_NAMES: 'iris', ADMIN_KEY, CORS_ORIGINS: origin });
    expect(await attack(named, headers)).toContain(200);
    expect(await isServed(named, headers)).toBe(false);
    await named.stop();
  });
});

describeWith('chromium', 'the documentation of a server with keys', (chromium) => {
  it('has a button by which a key is given, and calls then have it', async () => {
    const server = await startServer({ MODEL_NAMES: 'iris', ADMIN_KEY });
    await withBrowser(chromium, async (browser) => {
      const page = await browser.newPage();
      await page.goto(`${server.url}/docs`);
      const list = page.locator('#operations-inference-NativeController_list');
      await list.locator('.opblock-summary').click();
      const statusOf = async (): Promise<string> => {
        await list.locator('button.execute').click();
        const live = list.locator('.live-responses-table tbody .response').first();
        await live.waitFor();
        return (await live.locator('.response-col_status').innerText()).trim();
      };
      expect(await statusOf()).toMatch(/^401/);
      await page.locator('.auth-wrapper button.authorize').first().click();
      await page.locator('.auth-container input').fill(ADMIN_KEY);
      await page.locator('.auth-btn-wrapper button.authorize').click();
      await page.locator('.auth-btn-wrapper button.btn-done').click();
      await list.locator('button.btn-clear').click();
      expect(await statusOf()).toMatch(/^200/);
      // A call that changes something, from the server's own page.
      const load = page.locator('[id$=V2RepositoryController_load]');
      await load.locator('.opblock-summary').click();
      await load.locator('textarea.body-param__text').fill('{}');
      await load.locator('button.execute').click();
      const live = load.locator('.live-responses-table tbody .response').first();
      await live.waitFor();
      expect((await live.locator('.response-col_status').innerText()).trim()).toMatch(/^200/);
    });
    await server.stop();
  });

  it('has none where there are no keys, and its own page may change the server', async () => {
    const server = await startServer({ MODEL_NAMES: 'iris' });
    await withBrowser(chromium, async (browser) => {
      const page = await browser.newPage();
      await page.goto(`${server.url}/docs`);
      const load = page.locator('[id$=V2RepositoryController_load]');
      await load.locator('.opblock-summary').click();
      expect(await page.locator('.auth-wrapper button.authorize').count()).toBe(0);
      await load.locator('textarea.body-param__text').fill('{}');
      await load.locator('button.execute').click();
      const live = load.locator('.live-responses-table tbody .response').first();
      await live.waitFor();
      expect((await live.locator('.response-col_status').innerText()).trim()).toMatch(/^200/);
    });
    await server.stop();
  });
});
