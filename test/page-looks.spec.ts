import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { openBrowser } from './helpers/browser';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { addModel } from './helpers/onnx-models';
import { writeModels } from './helpers/page-models';
import { filterTo, type Look, run, sideways, text, violations, visit } from './helpers/page-visit';
import { describeWith } from './helpers/requirements-of-tests';
import { spawnServer, startServer, type TestServer } from './helpers/server';

/** By day on a desk, and by night on a phone. */
const SIGHTS = [
  { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
] as const;

describeWith('chromium', 'the looks of the page', (chromium) => {
  const folder = temporaryFolder();
  let browser: Browser;
  let server: TestServer;
  beforeAll(async () => {
    writeModels(folder);
    [browser, server] = await Promise.all([
      openBrowser(chromium),
      startServer({ MODEL_DIR: folder, MAX_RESIDENT_MODELS: '20' }),
    ]);
  });
  afterAll(() => server.stop());

  const see = (path: string, look: Look, options?: Parameters<typeof visit>[3]): Promise<void> =>
    visit(browser, server.url + path, look, options);

  const press = (page: Page, name: string): Promise<void> =>
    page.getByRole('button', { name, exact: true }).click();

  /** Every view with something in it: where it is, by what one sees that it is there, and what is done for that. */
  const VIEWS: readonly { path: string; there: string; act?: (page: Page) => Promise<void> }[] = [
    { path: '/', there: 'tr[data-state=failed]' },
    { path: '/#/models/broken', there: '.note' },
    { path: '/#/models/gone', there: '.note' },
    { path: '/#/models/digits', there: '.winner', act: (page) => press(page, 'Example') },
    { path: '/#/models/iris', there: '.winner', act: run },
    { path: '/#/models/wine', there: '.tensors', act: run },
    { path: '/#/models/sentences', there: '.answer canvas.strip', act: run },
    {
      path: '/#/models/ids',
      there: '.fault',
      act: async (page) => {
        await page.locator('textarea.json').fill('{"y": 1}');
        await run(page);
      },
    },
    { path: '/#/models/iris', there: 'dialog', act: (page) => press(page, 'Unload…') },
  ];

  it.each(VIEWS)(
    'of $path with $there break no rule of accessibility by day and by night, and fit',
    async ({ path, there, act }) => {
      await see(path, async (page) => {
        await act?.(page);
        await page.waitForSelector(there);
        for (const { colorScheme, viewport } of SIGHTS) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize(viewport);
          expect(await violations(page)).toEqual([]);
          expect(await sideways(page)).toBeLessThanOrEqual(0);
        }
      });
    },
  );

  it('can be read while an answer is awaited', async () => {
    let answer = (): void => undefined;
    const look: Look = async (page) => {
      await run(page);
      await page.waitForSelector('.answer.busy');
      expect(await violations(page)).toEqual([]);
      answer();
      await page.waitForSelector('.winner');
    };
    await see('/#/models/iris', look, {
      prepare: async (page) => {
        await page.route('**/api/inference/iris', async (route) => {
          if (route.request().method() === 'POST') await new Promise<void>((resolve) => (answer = resolve));
          await route.continue();
        });
      },
    });
  });

  it.each([
    [320, 600],
    [640, 400],
  ])('fit into %i x %i', async (width, height) => {
    await see(
      '/#/models/iris',
      async (page) => {
        await page.waitForSelector('.sheet');
        expect(await sideways(page)).toBeLessThanOrEqual(0);
      },
      { viewport: { width, height } },
    );
  });

  /** States that last too short, or cost too much to bring about: the server's own answer, with that one thing changed. */
  it.each([
    [
      'of a server that is draining',
      { state: 'draining', reasons: [{ text: 'shutting down' }] },
      '.hero',
      /draining.*Shutting down/,
    ],
    ['of a server that is starting', { state: 'starting' }, '.hero', /starting/],
    [
      'of a model that loads',
      { state: 'loading', reason: { text: 'for 8 s', hint: null, detail: null } },
      'tbody tr',
      /loading.*For 8 s/,
    ],
    [
      'of a quarantined model',
      {
        state: 'quarantined',
        reason: { text: 'workers died', hint: 'Put the version before it back.', detail: null },
      },
      'tbody tr',
      /quarantined.*Workers died.*What to do: Put the version before it back/,
    ],
  ])('%s say so', async (_, change, selector, shown) => {
    const { body: status } = await server.get<{ models: { name: string }[] }>('/api/status');
    const iris = status.models.find(({ name }) => name === 'iris');
    const json =
      selector === '.hero' ? { ...status, ...change } : { ...status, models: [{ ...iris, ...change }] };
    const look: Look = async (page) => {
      await page.waitForSelector(selector);
      expect(await text(page, selector)).toMatch(shown);
      expect(await violations(page)).toEqual([]);
    };
    await see('/', look, {
      prepare: async (page) => {
        await page.route('**/api/status', (route) => route.fulfill({ json }));
      },
    });
  });

  it('follow the colours and the calm that the system asks for', async () => {
    const background = async (options: BrowserContextOptions): Promise<[string, number]> => {
      let seen: [string, number] = ['', 0];
      await see(
        '/',
        async (page) => {
          await page.waitForSelector('.hero');
          seen = [
            await page.evaluate<string>('getComputedStyle(document.body).backgroundColor'),
            await page.evaluate<number>(
              'document.getAnimations().filter(({ playState }) => playState === "running").length',
            ),
          ];
        },
        options,
      );
      return seen;
    };
    const [light] = await background({ colorScheme: 'light' });
    const [dark, moving] = await background({ colorScheme: 'dark', reducedMotion: 'reduce' });
    expect([light, dark]).toEqual(['rgb(250, 250, 247)', 'rgb(15, 18, 17)']);
    expect(moving).toBe(0);
  });
});

describeWith('chromium', 'the page of a server', (chromium) => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser(chromium);
  });

  describe('with keys', () => {
    const KEY = 'a-caller-key-of-at-least-32-characters';

    it('asks for one, says when it is wrong, and keeps the right one nowhere', async () => {
      const server = await startServer({ API_KEY: KEY });
      await visit(browser, server.url, async (page) => {
        await page.fill('#keyfield', 'wrong');
        await page.keyboard.press('Enter');
        await page.locator('#keyout', { hasText: /./ }).waitFor();
        expect(await violations(page)).toEqual([]);
        await page.fill('#keyfield', KEY);
        await page.keyboard.press('Enter');
        await page.waitForSelector('.models');
        const kept = await page.evaluate<unknown[]>(
          '[localStorage.length, sessionStorage.length, document.cookie, location.href]',
        );
        expect(kept).toEqual([0, 0, '', `${server.url}/`]);
        await page.getByRole('link', { name: 'iris' }).click();
        await page.waitForSelector('.code pre');
        const snippet = await text(page, '.code pre');
        expect(snippet).toContain('$NESTOR_KEY');
        expect(snippet).not.toContain(KEY);
        // This key may run models, and nothing else.
        expect(await page.getByRole('button', { name: /load/i }).count()).toBe(0);
        await run(page);
        await page.waitForSelector('.winner');
      });
      await server.stop();
    });
  });

  describe('without models', () => {
    const empty = temporaryFolder();

    it('says how to put one there', async () => {
      const server = await spawnServer({ MODEL_DIR: empty });
      await server.live();
      await visit(browser, server.url, async (page) => {
        await page.locator('.hello', { hasText: 'No models yet' }).waitFor();
        await page.locator('.hero .why', { hasText: 'There is no model in the model folder' }).waitFor();
        expect(await violations(page)).toEqual([]);
      });
      await server.stop();
    });
  });

  describe('with hundreds of models', () => {
    const many = temporaryFolder();
    beforeAll(() => {
      for (let i = 0; i < 300; i++) writeModel(many, `m${String(i).padStart(3, '0')}`, addModel(2));
    });

    it('has a row for each, finds the one that is meant, and draws no row anew', async () => {
      const server = await startServer({ MODEL_DIR: many, MODEL_NAMES: 'm000', MAX_RESIDENT_MODELS: '400' });
      await visit(browser, server.url, async (page) => {
        await page.waitForSelector('.models');
        expect(await page.locator('tbody tr').count()).toBe(300);
        expect(await text(page, '.hero .why')).toBe('1 of 300 models serves; the others wait to be loaded.');
        await page.evaluate<void>('void (document.querySelector("tbody tr").mark = true)');
        await filterTo(page, 'm00');
        expect(await page.locator('tbody tr').count()).toBe(10);
        expect(await page.evaluate<boolean>('document.querySelector("tbody tr").mark')).toBe(true);
        await page.goto(`${server.url}/#/models/m123`);
        await page.locator('.note', { hasText: 'it loads with the first call' }).waitFor();
      });
      await server.stop();
    });
  });

  it('that goes away fades, says so, and comes back by itself', async () => {
    let server = await startServer({ MODEL_NAMES: 'iris' });
    const { port } = server;
    const look: Look = async (page) => {
      await page.waitForSelector('.hero');
      await server.stop();
      await page.clock.runFor(3000);
      await page.waitForSelector('[data-state=unreachable]');
      await page.clock.runFor(12_000);
      await page.waitForSelector('body.stale');
      expect(await text(page, '.facts')).toMatch(/^Last answer \d+ s ago$/);
      server = await startServer({ MODEL_NAMES: 'iris', PORT: String(port) });
      await page.clock.runFor(31_000);
      await page.waitForSelector('.hero:not([data-state=unreachable])');
      await page.locator('body:not(.stale)').waitFor();
    };
    await visit(browser, server.url, look, { prepare: (page) => page.clock.install() });
    await server.stop();
  });
});
