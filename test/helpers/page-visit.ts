import { readFileSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** For what is to come to be on a page, on a machine that has other things to do. */
const PATIENCE_MS = 60_000;

export type Look = (page: Page) => Promise<void>;

/**
 * Has `look` see a page of the server in a context of its own, and then says what a strict reader of the console and of
 * the network would find: an error of a script, what the policy of the page forbids, a request to anywhere else.
 * `prepare` goes before it is opened. Nothing on it moves unless that is asked for: a look in the midst of a transition
 * sees colours that no one reads.
 */
export async function visit(
  browser: Browser,
  url: string,
  look: Look,
  { prepare, ...options }: BrowserContextOptions & { prepare?: Look } = {},
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const { origin } = new URL(url);
  const faults: string[] = [];
  context.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('blob:')) faults.push(request.url());
  });
  context.on('console', (message) => {
    if (/Content Security|Refused to/i.test(message.text())) faults.push(message.text());
  });
  context.on('weberror', (error) => faults.push(String(error.error())));
  try {
    const page = await context.newPage();
    await prepare?.(page);
    await page.goto(url);
    await look(page);
    expect(faults).toEqual([]);
  } finally {
    // A page that polls has always something under way, and what answers it in the page's stead ends with it.
    for (const page of context.pages()) await page.unrouteAll({ behavior: 'ignoreErrors' });
    await context.close();
  }
}

/** What axe-core finds wrong with the page as it is, each with the element; its own script goes by the page's policy. */
export async function violations(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setBypassCSP', { enabled: true });
  await session.send('Runtime.evaluate', { expression: AXE });
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => JSON.stringify(
      violations.map(({ id, nodes }) => id + ': ' + nodes[0].target.join(' ') + ': ' + nodes[0].failureSummary)))`,
    awaitPromise: true,
  });
  await session.detach();
  return JSON.parse(result.value as string) as string[];
}

/** How many pixels of the page lie beside the window. */
export function sideways(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
}

/** What has the focus: its name for people, or its text. */
export function focused(page: Page): Promise<string> {
  return page.evaluate<string>(
    '(document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "")',
  );
}

/** Pastes a text into a field, as the clipboard would. */
export function pasteText(page: Page, selector: string, text: string): Promise<void> {
  return call(
    page,
    `(selector, text) => {
      const data = new DataTransfer();
      data.setData('text', text);
      const init = { clipboardData: data, bubbles: true, cancelable: true };
      document.querySelector(selector).dispatchEvent(new ClipboardEvent('paste', init));
    }`,
    [selector, text],
  );
}

/** Drops a file on the page's place for pictures, or pastes it. */
export function giveFile(
  page: Page,
  how: 'drop' | 'paste',
  bytes: Buffer,
  name: string,
  type: string,
): Promise<void> {
  return call(
    page,
    `(how, base64, name, type) => {
      const file = new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type });
      const data = new DataTransfer();
      data.items.add(file);
      const init = { clipboardData: data, dataTransfer: data, bubbles: true, cancelable: true };
      if (how === 'paste') dispatchEvent(new ClipboardEvent('paste', init));
      else document.querySelector('.drop').dispatchEvent(new DragEvent('drop', init));
    }`,
    [how, bytes.toString('base64'), name, type],
  );
}

/** The types of a page are not Node's, so what runs there is a text. */
function call(page: Page, script: string, args: readonly string[]): Promise<void> {
  return page.evaluate<void>(`(${script})(...${JSON.stringify(args)})`);
}

type Point = readonly [x: number, y: number];

/** Draws strokes on the pad, in parts of its width and height. */
export async function draw(page: Page, strokes: readonly (readonly Point[])[]): Promise<void> {
  const pad = page.locator('canvas.pad');
  const box = (await pad.boundingBox())!;
  for (const stroke of strokes) {
    for (const [i, [x, y]] of stroke.entries()) {
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
      if (i === 0) await page.mouse.down();
    }
    await page.mouse.up();
  }
}

function arc(cx: number, cy: number, rx: number, ry: number, from: number, to: number): Point[] {
  return Array.from({ length: 16 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / 15) * Math.PI) / 180;
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });
}

/** The ten digits as people draw them. */
export const DIGITS: readonly (readonly (readonly Point[])[])[] = [
  [arc(0.5, 0.5, 0.2, 0.36, -90, 270)],
  [
    [
      [0.36, 0.28],
      [0.53, 0.12],
      [0.53, 0.9],
    ],
  ],
  [[...arc(0.5, 0.3, 0.22, 0.18, -160, 30), [0.28, 0.88], [0.76, 0.88]]],
  [[...arc(0.46, 0.29, 0.2, 0.17, -155, 80), ...arc(0.46, 0.69, 0.23, 0.21, -85, 150)]],
  [
    [
      [0.5, 0.1],
      [0.24, 0.6],
      [0.76, 0.6],
    ],
    [
      [0.6, 0.4],
      [0.6, 0.92],
    ],
  ],
  [[[0.7, 0.12], [0.34, 0.12], [0.32, 0.46], ...arc(0.46, 0.66, 0.24, 0.22, -110, 140)]],
  [[[0.58, 0.1], [0.36, 0.45], ...arc(0.48, 0.7, 0.18, 0.19, 180, 540)]],
  [
    [
      [0.25, 0.13],
      [0.74, 0.13],
      [0.45, 0.9],
    ],
    [
      [0.36, 0.5],
      [0.68, 0.5],
    ],
  ],
  [[...arc(0.5, 0.3, 0.17, 0.18, 90, 450), ...arc(0.5, 0.7, 0.2, 0.2, -90, 270)]],
  [[...arc(0.5, 0.32, 0.19, 0.19, 0, 360), [0.67, 0.6], [0.55, 0.92]]],
];

/** Types into the filter of the list. */
export const filterTo = async (page: Page, text: string): Promise<void> => {
  await page.keyboard.press('/');
  await page.keyboard.type(text);
};
export const run = (page: Page): Promise<void> => page.getByRole('button', { name: /^Run/ }).click();
/** What is to be read in the first such element, on one line. */
export const text = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).first().innerText()).replace(/\s+/g, ' ').trim();
