import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findWarmUpFile, requestLines } from './warm-up-file';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nestor-warm-up-'));
  await mkdir(join(root, 'm'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function linesOf(text: string, maxLineBytes = 1_000_000): Promise<[number, string][]> {
  const file = join(root, 'requests.jsonl');
  await writeFile(file, text);
  const lines: [number, string][] = [];
  for await (const { number, body } of requestLines(file, maxLineBytes))
    lines.push([number, body.toString()]);
  return lines;
}

describe('requestLines', () => {
  it.each([
    ['nothing', '', []],
    ['one line', '{"x":1}', [[1, '{"x":1}']]],
    ['a last line that ends', '{"x":1}\n', [[1, '{"x":1}']]],
    [
      'blank lines, which count',
      '\n{"x":1}\n  \r\n[2]\n\n',
      [
        [2, '{"x":1}'],
        [4, '[2]'],
      ],
    ],
    [
      'letters of several bytes',
      '["é漢"]\n["ü"]',
      [
        [1, '["é漢"]'],
        [2, '["ü"]'],
      ],
    ],
  ])('reads %s', async (_, text, lines) => {
    expect(await linesOf(text)).toEqual(lines);
  });

  it('reads lines longer than what is read at once', async () => {
    const long = `"${'é'.repeat(200_000)}"`;
    expect(await linesOf(`${long}\n1\n${long}`)).toEqual([
      [1, long],
      [2, '1'],
      [3, long],
    ]);
  });

  it('refuses a line that is too long, without keeping it', async () => {
    await expect(linesOf(`1\n${'2'.repeat(100)}`, 99)).rejects.toThrow('line 2 is longer than 99 bytes');
    expect(await linesOf('2'.repeat(100), 100)).toHaveLength(1);
  });
});

describe('findWarmUpFile', () => {
  it('finds a file beside model.yaml or below, also by a link within the model folder', async () => {
    await writeFile(join(root, 'm', 'a.jsonl'), '');
    await symlink(join(root, 'm', 'a.jsonl'), join(root, 'm', 'b.jsonl'));
    expect(await findWarmUpFile(root, join(root, 'm'), 'a.jsonl')).toBe(join(root, 'm', 'a.jsonl'));
    expect(await findWarmUpFile(root, join(root, 'm'), 'b.jsonl')).toBe(join(root, 'm', 'b.jsonl'));
  });

  it('refuses what is not there, no file, or outside, and shows nobody where the folder lies', async () => {
    await symlink('/etc/passwd', join(root, 'm', 'out.jsonl'));
    await symlink('nowhere', join(root, 'm', 'broken.jsonl'));
    for (const path of ['none.jsonl', 'out.jsonl', 'broken.jsonl', '../m']) {
      const refused = findWarmUpFile(root, join(root, 'm'), path);
      await expect(refused).rejects.toMatchObject({ code: 'model_unavailable' });
      await expect(refused).rejects.toThrow(expect.not.stringContaining(root) as Error);
    }
  });
});
