import { type BrowserContext } from 'playwright-core';
/** Runs `visit` in a browser with a profile of its own, and leaves nothing of either. */
export declare function withBrowser<T>(executablePath: string, visit: (browser: BrowserContext) => Promise<T>): Promise<T>;
