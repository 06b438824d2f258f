import { execFile } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { textModel } from './helpers/onnx-models';
import { withPackages } from './helpers/python-environment';
import { describeWith, isSet } from './helpers/requirements-of-tests';
import { SENTENCE_FILES, smallTextModel, writeTextFolder } from './helpers/text-models';
import { MODELS, startServer, type TestServer } from './helpers/server';

const CLIENTS = join(__dirname, 'clients');
const LIMIT_MS = 120_000;
/** Of what a client wrote before it failed. */
const OUTPUT_BYTES = 4_000_000;
/** The same calls and bodies each time; `SCHEMATHESIS_EXAMPLES` for more. */
const SEED = 20261122;
const EXAMPLES = process.env.SCHEMATHESIS_EXAMPLES ?? '15';

describeWith('python3', 'clients of others', (python3) => {
  const models = temporaryFolder();
  const declarations = temporaryFolder();
  let server: TestServer;
  let declaring: TestServer;
  beforeAll(async () => {
    cpSync(join(MODELS, 'iris'), join(models, 'iris'), { recursive: true });
    writeModel(models, 'text', textModel());
    server = await startServer({ MODEL_DIR: models, WORKERS: '2' });
    for (const name of ['digits', 'iris'])
      cpSync(join(MODELS, name), join(declarations, name), { recursive: true });
    writeTextFolder(declarations, 'embedder', smallTextModel('hidden'), SENTENCE_FILES);
    declaring = await startServer({ MODEL_DIR: declarations });
  });

  // Its packages take half a gigabyte and some minutes to install, so not every run has them.
  if (isSet(process.env.KSERVE_CLIENT)) {
    withPackages(python3, join(CLIENTS, 'requirements-kserve.txt'), (python) => {
      it("answers the REST client of KServe's SDK", async () => {
        await run(python, [join(CLIENTS, 'kserve_rest.py'), server.url]);
      });
    });
  }

  withPackages(python3, join(CLIENTS, 'requirements.txt'), (python) => {
    it("answers Triton's HTTP client", async () => {
      await run(python, [join(CLIENTS, 'triton.py'), new URL(server.url).host]);
    });

    it("takes pictures and texts from Triton's HTTP client", async () => {
      const picture = join(MODELS, 'digits', 'three.png');
      const { host } = new URL(declaring.url);
      expect(await run(python, [join(CLIENTS, 'triton_declared.py'), host, picture])).toBe('declared\n');
    });

    it.each(['README.md', 'docs/open-inference.md'])('answers the Python of %s', async (path) => {
      const text = readFileSync(join(__dirname, '..', path), 'utf8');
      const programs = [...text.matchAll(/^```python\n([^]*?)\n```$/gm)].map(([, program = '']) => program);
      expect(programs.length).toBeGreaterThan(0);
      for (const program of programs) {
        const printed = await run(python, [
          '-c',
          program.replace('localhost:8000', new URL(declaring.url).host).replace("'models/", `'${MODELS}/`),
        ]);
        expect(printed).toMatch(/^(\[0( 2)?\]|\[\[b'3'\]\]|\[b'setosa' b'virginica'\])\n$/);
      }
    });

    it(
      'answers as its OpenAPI document says, whatever is asked',
      async () => {
        // The last one: it unloads what it can.
        await run(python, [join(CLIENTS, 'contract.py'), server.url, String(SEED), EXAMPLES]);
        expect((await server.get('/v2/health/live')).status).toBe(200);
      },
      LIMIT_MS,
    );
  });

  /** @returns what the program printed */
  async function run(python: string, args: readonly string[]): Promise<string> {
    const options = { cwd: server.folder, timeout: LIMIT_MS, maxBuffer: OUTPUT_BYTES };
    try {
      return (await promisify(execFile)(python, args, options)).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`The client failed:\n${stdout}\n${stderr}`, { cause: error });
    }
  }
});
