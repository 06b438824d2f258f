import { type Browser, type BrowserContext, chromium } from 'playwright-core';

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser: Promise<Browser> | undefined;
afterAll(async () => (await browser)?.close());

/** The browser of this spec, which ends with it; each visit has a context of its own. */
export function openBrowser(executablePath: string): Promise<Browser> {
  return (browser ??= chromium.launch({ executablePath, args: ARGS }));
}

/** Runs `visit` in a context of its own, which nothing is left of. */
export async function withBrowser<T>(
  executablePath: string,
  visit: (context: BrowserContext) => Promise<T>,
): Promise<T> {
  const context = await (
    await openBrowser(executablePath)
  ).newContext({ viewport: { width: 1280, height: 1000 }, reducedMotion: 'reduce' });
  try {
    return await visit(context);
  } finally {
    await context.close();
  }
}
