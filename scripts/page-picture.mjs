/**
 * Makes docs/images/page.webp: the page with a digit drawn on its pad, as the README shows it. It starts the built
 * server, draws in Chromium, and stops both.
 *
 *   npm run build && node scripts/page-picture.mjs [--chromium /usr/bin/chromium] [--out docs/images/page.webp]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const READY_WITHIN_MS = 30_000;
const MOST_BYTES = 150_000;
const VIEW = { width: 1180, height: 780 };

const { values } = parseArgs({
  options: {
    chromium: { type: 'string', default: '/usr/bin/chromium' },
    out: { type: 'string', default: join(ROOT, 'docs', 'images', 'page.webp') },
  },
});

/** An arc in parts of the pad, its angles in degrees. */
function arc(cx, cy, rx, ry, from, to) {
  return Array.from({ length: 40 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / 39) * Math.PI) / 180;
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });
}
const THREE = [...arc(0.46, 0.29, 0.2, 0.17, -155, 80), ...arc(0.46, 0.69, 0.23, 0.21, -85, 150)];

async function freePort() {
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function ready(url) {
  const byMs = performance.now() + READY_WITHIN_MS;
  while (performance.now() < byMs) {
    const answer = await fetch(`${url}/api/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error('the server did not become ready');
}

async function shoot(url) {
  const browser = await chromium.launch({
    executablePath: values.chromium,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  try {
    const page = await browser.newPage({ viewport: VIEW, deviceScaleFactor: 2, colorScheme: 'light' });
    await page.goto(`${url}/#/models/digits`);
    const pad = await page.locator('canvas.pad').boundingBox();
    for (const [i, [x, y]] of THREE.entries()) {
      await page.mouse.move(pad.x + x * pad.width, pad.y + y * pad.height);
      if (i === 0) await page.mouse.down();
    }
    await page.mouse.up();
    await page.locator('.winner b', { hasText: '3' }).waitFor();
    await page.locator('canvas.pad').blur();
    await page.mouse.move(5, 400);
    // A poll later the call shows in the figures, too.
    await page.locator('.facts4').waitFor();
    return await page.screenshot();
  } finally {
    await browser.close();
  }
}

const home = mkdtempSync(join(tmpdir(), 'nestor-picture-'));
const port = await freePort();
const server = spawn(process.execPath, [join(ROOT, 'dist', 'main.js')], {
  cwd: home,
  env: {
    PATH: process.env.PATH,
    HOME: home,
    HOST: '127.0.0.1',
    PORT: String(port),
    WORKERS: '2',
    MODEL_DIR: join(ROOT, 'models'),
    LOG_DIR: '',
    LOG_LEVEL: 'warn',
    ACCESS_LOG: 'false',
  },
  stdio: 'inherit',
});
const gone = once(server, 'exit');
try {
  const url = `http://127.0.0.1:${port}`;
  await ready(url);
  await sharp(await shoot(url))
    .webp({ quality: 82, effort: 6 })
    .toFile(values.out);
  const { size } = statSync(values.out);
  console.log(`${values.out}: ${size} bytes`);
  if (size > MOST_BYTES) throw new Error(`the picture is larger than ${MOST_BYTES} bytes`);
} finally {
  server.kill('SIGTERM');
  await gone;
  rmSync(home, { recursive: true, force: true });
}
