import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './helpers/model-folder';
import { withPackages } from './helpers/python-environment';
import { describeWith } from './helpers/requirements-of-tests';
import { MODELS, startServer } from './helpers/server';

const ROOT = join(__dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const LIMIT_MS = 120_000;

interface Answer {
  readonly result: { readonly labels: readonly { readonly label: string; readonly score: number }[] };
}

describeWith('python3', 'the photos of the README', (python3) => {
  const home = temporaryFolder('photos');

  withPackages(python3, join(ROOT, 'scripts', 'requirements-models.txt'), (python) => {
    it(
      'are fetched by one command, and a cat is found in one',
      async () => {
        const [, commands = '', printed = ''] =
          /```sh\n(python scripts[^]*?)\n```\n\n```\n([^]*?)\n```/.exec(README) ?? [];
        const models = join(home, 'models');
        mkdirSync(models);
        cpSync(join(MODELS, 'digits'), join(models, 'digits'), { recursive: true });
        for (const name of ['docs', 'scripts']) symlinkSync(join(ROOT, name), join(home, name));
        const server = await startServer({ MODEL_DIR: models });
        const here = commands
          .replace(
            'python scripts/fetch_models.py photos',
            `"${python}" scripts/fetch_models.py photos --to models`,
          )
          .replace('localhost:8000', new URL(server.url).host);
        const { stdout } = await promisify(execFile)('bash', ['-ec', here], { cwd: home, timeout: LIMIT_MS });
        const answer = JSON.parse(stdout.split('\n').at(-1) ?? '') as Answer;
        const shown = JSON.parse(printed) as Answer;
        expect(answer.result.labels.map(({ label }) => label)).toEqual(
          shown.result.labels.map(({ label }) => label),
        );
        for (const [i, { score }] of answer.result.labels.entries()) {
          expect(score).toBeCloseTo(shown.result.labels[i]!.score, 4);
        }
      },
      LIMIT_MS,
    );
  });
});
