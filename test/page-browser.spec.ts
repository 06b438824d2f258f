import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { openBrowser } from './helpers/browser';
import { temporaryFolder } from './helpers/model-folder';
import { writeModels } from './helpers/page-models';
import {
  DIGITS,
  draw,
  filterTo,
  focused,
  giveFile,
  type Look,
  pasteText,
  run,
  text,
  visit,
} from './helpers/page-visit';
import { describeWith, findTool } from './helpers/requirements-of-tests';
import { MODELS, startServer, type TestServer } from './helpers/server';

const WINE =
  '14.2,1.7,2.4,15.6,127,2.8,3.06,0.28,2.29,5.64,1.04,3.92,1065\n12.3,0.9,1.36,10.6,88,1.98,0.57,0.28,0.42,1.95,1.05,1.82,520';

describeWith('chromium', 'the page in a browser', (chromium) => {
  const folder = temporaryFolder();
  let browser: Browser;
  let server: TestServer;
  beforeAll(async () => {
    writeModels(folder);
    [browser, server] = await Promise.all([
      openBrowser(chromium),
      startServer({ MODEL_DIR: folder, CACHE_ENABLED: 'true', MAX_RESIDENT_MODELS: '20' }),
    ]);
  });
  afterAll(() => server.stop());

  const see = (path: string, look: Look, options?: Parameters<typeof visit>[3]): Promise<void> =>
    visit(browser, server.url + path, look, options);

  describe('the list', () => {
    it('says how the server is, what each model takes and gives, and what to do about one that fails', async () => {
      await see('/', async (page) => {
        await page.waitForSelector('tr[data-state=failed]');
        expect(await text(page, '.hero .word')).toBe('degraded');
        expect(await text(page, '.hero .why')).toMatch(/2 models do not serve.*broken.*far/);
        const row = (name: string): Promise<string> => text(page, `tr:has(a.name[href="#/models/${name}"])`);
        expect(await row('broken')).toMatch(/failed.*no whole ONNX model.*What to do: Copy the file again/i);
        expect(await row('far')).toMatch(/failed.*What to do: See whether the servers/);
        expect(await row('iris')).toMatch(/ready version 2 of 2 .*row of 4 columns → gives 3 labels/);
        expect(await row('digits')).toContain('grey picture 8 × 8 → gives 10 labels');
        // Trouble first, then by name.
        const names = await page.locator('a.name').allInnerTexts();
        expect(names.slice(0, 3)).toEqual(['broken', 'far', 'digits']);
        await page.getByRole('button', { name: /^failed/ }).click();
        expect(await page.locator('a.name').allInnerTexts()).toEqual(['broken', 'far']);
      });
    });

    it('is walked through by keyboard alone: filter, open, run, back to the row', async () => {
      await see('/', async (page) => {
        await page.waitForSelector('.hero');
        await filterTo(page, 'iri');
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
        await page.keyboard.press('?');
        await page.locator('dialog', { hasText: 'Keyboard' }).waitFor();
        await page.getByRole('checkbox').uncheck();
        await page.keyboard.press('Escape');
        await page.locator('dialog').waitFor({ state: 'detached' });
        await page.keyboard.press('/');
        expect(await focused(page)).not.toContain('Filter');
      });
    });

    it('leaves focus and what is typed alone when it looks again', async () => {
      let looks = 0;
      await see(
        '/#/models/sentences',
        async (page) => {
          const field = page.locator('textarea').first();
          await field.fill('half a sent');
          for (let poll = 0; poll < 3; poll++) {
            const answered = page.waitForResponse('**/api/status');
            await page.clock.runFor(2500);
            await (await answered).finished();
          }
          expect(looks).toBeGreaterThanOrEqual(4);
          expect(await field.inputValue()).toBe('half a sent');
          expect(await page.evaluate<string>('document.activeElement.tagName')).toBe('TEXTAREA');
        },
        {
          prepare: async (page) => {
            page.on('request', (request) => (looks += Number(request.url().endsWith('/api/status'))));
            await page.clock.install();
          },
        },
      );
    });
  });

  describe('a pad', () => {
    it('is drawn on with a mouse, each digit recognised', async () => {
      await see('/#/models/digits', async (page) => {
        const seen: string[] = [];
        for (const strokes of DIGITS) {
          await page.getByRole('button', { name: 'Clear', exact: true }).click();
          const answered = page.waitForResponse('**/api/inference/digits');
          await draw(page, strokes);
          const { result } = (await (await answered).json()) as { result: { probabilities: number[][] } };
          const [row = []] = result.probabilities;
          seen.push(String(row.indexOf(Math.max(...row))));
        }
        // A pen that is lifted between strokes may be answered for the first of them alone.
        const right = seen.filter((digit, i) => digit === String(i)).length;
        expect(right).toBeGreaterThanOrEqual(8);
      });
    });

    it('is drawn on by keys', async () => {
      await see('/#/models/digits', async (page) => {
        await page.locator('canvas.pad').focus();
        for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowRight');
        for (let i = 0; i < 7; i++) {
          await page.keyboard.press('Space');
          await page.keyboard.press('ArrowDown');
        }
        await page.keyboard.press('Control+Enter');
        await page.waitForSelector('.winner');
        expect(await text(page, '.winner b')).toBe('1');
        // The times of the call came with its answer.
        expect(await text(page, '.answerfoot')).toMatch(/in the server.*queue.*decode.*run.*encode/);
      });
    });
  });

  describe('rows', () => {
    it('come from a paste by their header, in any order, and each is answered', async () => {
      await see('/#/models/iris', async (page) => {
        await page.waitForSelector('.sheet');
        await pasteText(
          page,
          '.sheet input',
          'petal_width,petal_length,sepal_width,sepal_length\n0.2,1.4,3.5,5.1\n2.3,5.2,3.0,6.7\n',
        );
        expect(await page.getByLabel('Row 2, sepal_length').inputValue()).toBe('6.7');
        await run(page);
        await page.waitForSelector('.rowsout');
        const answers = await page.locator('.rowsout .l').allInnerTexts();
        expect(answers.map((one) => one.replace(/\s+/g, ' '))).toEqual(['1 setosa', '2 virginica']);
      });
    });

    it('come from a spreadsheet with decimal commas', async () => {
      await see('/#/models/iris', async (page) => {
        await page.waitForSelector('.sheet');
        await pasteText(page, '.sheet input', '5.1\t3.5\t1.4\t0.2\n6,7\t3,0\t5,2\t2,3');
        await run(page);
        await page.locator('.rowsout', { hasText: 'virginica' }).waitFor();
      });
    });

    it('of many columns are fields, and a sheet when there are several', async () => {
      await see('/#/models/wine', async (page) => {
        await page.waitForSelector('.record input');
        expect(await page.locator('.record input').count()).toBe(13);
        await pasteText(page, '.record input', WINE);
        expect(await page.locator('.sheet tbody tr').count()).toBe(2);
      });
    });

    it('that are no numbers are not sent, and the cell is marked and has the focus', async () => {
      await see('/#/models/sum', async (page) => {
        await page.locator('.sheet input').first().fill('old');
        await run(page);
        expect(await text(page, '.answer .fault')).toMatch(/^Not sent Row 1, a: “old” is not a number/);
        expect(await focused(page)).toBe('Row 1, a');
        expect(await page.locator('[aria-invalid=true]').count()).toBe(1);
        await page.locator('.sheet input').first().fill('2');
        await run(page);
        await page.locator('.answer', { hasText: 'sum' }).waitFor();
      });
    });
  });

  it('shows numbers by their names, and the classes of a mask by their shares', async () => {
    await see('/#/models/prices', async (page) => {
      await page.locator('.sheet input').first().fill('2');
      await page.locator('.sheet input').nth(1).fill('40.5');
      await run(page);
      await page.locator('.winner', { hasText: 'total 42.50' }).waitFor();
    });
    await see('/#/models/hues', async (page) => {
      const red = Buffer.from(
        'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
        'base64',
      );
      await page.getByRole('button', { name: 'Picture', exact: true }).click();
      await giveFile(page, 'drop', red, 'red.png', 'image/png');
      await page.locator('.bars', { hasText: 'red' }).waitFor();
      expect(await page.locator('.bars .l').allInnerTexts()).toEqual(['red']);
    });
  });

  describe('a picture', () => {
    const three = readFileSync(join(MODELS, 'digits', 'three.png'));

    it('is dropped, pasted or the example, and what is none is said', async () => {
      await see('/#/models/digits', async (page) => {
        await page.getByRole('button', { name: 'Picture', exact: true }).click();
        await giveFile(page, 'drop', Buffer.from('hello'), 'notes.txt', 'text/plain');
        await page.locator('.picture .err', { hasText: '“notes.txt” is not a picture' }).waitFor();
        await giveFile(page, 'drop', three, 'a three.png', 'image/png');
        await page.waitForSelector('.winner');
        expect(await text(page, '.winner b')).toBe('3');
        await page.getByRole('button', { name: 'JSON', exact: true }).click();
        await page.getByRole('button', { name: 'Picture', exact: true }).click();
        await giveFile(page, 'paste', three, 'image.png', 'image/png');
        await page.locator('.picture', { hasText: 'image.png' }).waitFor();
        await page.getByRole('button', { name: 'Example', exact: true }).click();
        await page.locator('.picture', { hasText: 'three.png · ' }).waitFor();
      });
    });
  });

  describe('a text', () => {
    it('becomes a vector, and two are compared', async () => {
      await see('/#/models/sentences', async (page) => {
        await page.locator('textarea').first().waitFor();
        expect(await page.locator('textarea').first().inputValue()).toMatch(/cat sleeps/);
        await page.locator('textarea').nth(1).fill('a cat sleeps on the warm window sill.');
        await run(page);
        await page.locator('.cos', { hasText: 'cosine' }).waitFor();
        expect(await page.locator('canvas.strip').count()).toBe(2);
        expect(await text(page, '#say')).toMatch(/^Cosine/);
      });
    });
  });

  describe('JSON', () => {
    it('is sent as it is typed, and a large answer opens in part', async () => {
      await see('/#/models/ids', async (page) => {
        await page.locator('textarea.json').fill('{"x": [[9007199254740993]]}');
        await run(page);
        await page.locator('.answer', { hasText: '9007199254740993' }).waitFor();
        const row = `[${Array.from({ length: 150_000 }, (_, i) => 1_000_000 + i).join(',')}]`;
        await page.locator('textarea.json').fill(`{"x": [${row}]}`);
        await page.getByRole('button', { name: 'Save request.json' }).waitFor();
        expect(await text(page, '.code pre')).toContain('-d @request.json');
        const saved = page.waitForEvent('download');
        await page.getByRole('button', { name: 'Save request.json' }).click();
        expect((await saved).suggestedFilename()).toBe('request.json');
        await run(page);
        await page.locator('.tensors', { hasText: '1 × 150000' }).waitFor();
        await page.locator('.raw summary').click();
        const shown = await page.locator('.raw pre').innerText();
        expect(shown.length).toBeLessThan(21_000);
        expect(shown).toMatch(/characters more$/);
      });
    });

    it('that is wrong has its place named before it is sent, and the server’s words after', async () => {
      await see('/#/models/ids', async (page) => {
        await page.locator('textarea.json').fill('{"x": [[1,\n 2}');
        await run(page);
        await page.locator('.fault', { hasText: 'line 2' }).waitFor();
        await page.locator('textarea.json').fill('{"y": [[1]]}');
        await run(page);
        await page.locator('.fault', { hasText: '400 · unknown_input · request' }).waitFor();
      });
    });
  });

  describe('the same call', () => {
    const PROGRAMS: readonly (readonly [language: string, command: string | undefined, file: string])[] = [
      ['curl', findTool('curl') && 'bash', 'call.sh'],
      ['TypeScript', process.execPath, 'call.mjs'],
      ['Python', pythonWithRequests(), 'call.py'],
    ];
    it.each(PROGRAMS.filter(([, command]) => command !== undefined))(
      'in %s does what the form does, quotes and all',
      async (language, command, file) => {
        await see('/#/models/sentences', async (page) => {
          await page.locator('textarea').first().fill(`It's a "quoted" true story: null & \\ back $HOME \``);
          await page.getByRole('button', { name: language, exact: true }).click();
          const program = join(folder, file);
          writeFileSync(program, await page.locator('.code pre').innerText());
          const printed = execFileSync(command!, [program], { encoding: 'utf8' });
          rmSync(program);
          await run(page);
          await page.locator('.answer canvas.strip').waitFor();
          const first = await text(page, '.vec .mono');
          const number = Number(/\[(-?[\d.]+)/.exec(first)?.[1]);
          const got = Number(/embedding\D*?(-?\d+\.\d+)/.exec(printed.replace(/\s+/g, ' '))?.[1]);
          expect(Math.abs(got - number)).toBeLessThan(1e-3);
        });
      },
    );
  });

  describe('a change', () => {
    it('unloads and loads a model, and asks before', async () => {
      await see('/#/models/iris', async (page) => {
        await page.getByRole('button', { name: 'Unload…' }).click();
        expect(await focused(page)).toContain('Cancel');
        await page.getByRole('button', { name: 'Unload iris' }).click();
        await page.locator('.head .state', { hasText: /^unavailable$/ }).waitFor();
        await page.locator('.note', { hasText: 'What to do: Load it' }).waitFor();
        await page.getByRole('button', { name: /^Load/ }).click();
        await page.getByRole('button', { name: 'Load iris' }).click();
        await page.locator('.head .state', { hasText: /^ready$/ }).waitFor();
        await page.getByRole('button', { name: 'Reload…' }).click();
        await page.getByRole('button', { name: 'Reload iris' }).click();
        await page.locator('dialog').waitFor({ state: 'detached' });
      });
    });

    it('that is refused says why in the dialog, and Escape leaves the view as it is', async () => {
      await see('/#/models/broken', async (page) => {
        await page.locator('.note', { hasText: 'What to do: Copy the file again' }).waitFor();
        await page.locator('details', { hasText: 'What the runtime said' }).waitFor();
        await page.getByRole('button', { name: 'Load again…' }).click();
        await page.getByRole('button', { name: 'Load broken' }).click();
        await page.locator('dialog .note').waitFor();
        await page.keyboard.press('Escape');
        await page.locator('dialog').waitFor({ state: 'detached' });
        expect(page.url()).toMatch(/models\/broken$/);
      });
    });

    it('is offered to nobody who may not make it', async () => {
      const proxy = await startProxy(server, { 'x-forwarded-for': '192.0.2.1' });
      await visit(browser, proxy.url, async (page) => {
        await page.waitForSelector('tr[data-state=failed]');
        expect(await page.locator('button.more').count()).toBe(0);
        expect(await page.getByRole('button', { name: /^Load/ }).count()).toBe(0);
        await page.goto(`${proxy.url}#/models/iris`);
        await page.waitForSelector('.sheet');
        expect(await page.getByRole('button', { name: /load/i }).count()).toBe(0);
        await run(page);
        await page.waitForSelector('.winner');
      });
      proxy.close();
    });
  });

  it('works below a path of a proxy', async () => {
    const proxy = await startProxy(server, {}, '/teams/ml');
    await visit(browser, `${proxy.url}#/models/iris`, async (page) => {
      await page.waitForSelector('.sheet');
      expect(await text(page, '.code pre')).toContain(`${proxy.url}api/inference/iris`);
      await run(page);
      await page.waitForSelector('.winner');
      await page.getByRole('button', { name: 'Reload…' }).click();
      await page.getByRole('button', { name: 'Reload iris' }).click();
      await page.locator('dialog').waitFor({ state: 'detached' });
    });
    expect(proxy.strays).toEqual([]);
    proxy.close();
  });

  it('says that a model is not there, and what loads with its first call', async () => {
    await see('/#/models/gone', async (page) => {
      await page.locator('.note', { hasText: 'There is no model “gone” on this server' }).waitFor();
    });
  });
});

/** Python where it has the package that the page's calls use. */
function pythonWithRequests(): string | undefined {
  const python = findTool('python3');
  return python && spawnSync(python, ['-c', 'import requests']).status === 0 ? python : undefined;
}

interface Proxy {
  readonly url: string;
  /** Paths that were asked for and are not below the prefix. */
  readonly strays: string[];
  close(): void;
}

/** What stands before servers elsewhere: adds headers, and takes a prefix off the path. */
async function startProxy(
  server: TestServer,
  headers: Readonly<Record<string, string>>,
  prefix = '',
): Promise<Proxy> {
  const strays: string[] = [];
  const proxy: Server = createServer((req, res) => {
    const path = req.url ?? '/';
    if (!path.startsWith(`${prefix}/`)) {
      if (path !== '/favicon.ico') strays.push(path);
      res.writeHead(404).end();
      return;
    }
    const onward = request(
      {
        port: server.port,
        host: '127.0.0.1',
        method: req.method,
        path: path.slice(prefix.length),
        headers: { ...req.headers, ...headers },
      },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      },
    );
    onward.on('error', () => res.destroy());
    req.pipe(onward);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${prefix}/`;
  return {
    url,
    strays,
    close: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}
