import { join } from 'node:path';
import { CALLS } from './conformance/calls';
import { readCases } from './conformance/cases';
import { differenceOf } from './conformance/likeness';
import { withEnglish } from './conformance/locale';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

const SHIPPED = ['simple', 'pytorch-operator'].map((suite) =>
  join(__dirname, 'fixtures', 'conformance', suite),
);
/** A JSON list of folders to take in place of the shipped ones: `npm run conformance -- <folder>...` sets it. */
const FOLDERS = JSON.parse(process.env.CONFORMANCE_FOLDERS ?? JSON.stringify(SHIPPED)) as string[];

describe.each(FOLDERS)("ONNX's backend tests in %s", (folder) => {
  const cases = readCases(folder);
  const ran = cases.filter(({ lack }) => lack === undefined);
  const refused = cases.filter(({ lack }) => lack !== undefined);
  const models = temporaryFolder();
  const locales = temporaryFolder('locales');
  let server: TestServer;
  beforeAll(async () => {
    // The others are loaded when they are asked for: some cannot be, and there are more than stay loaded.
    writeModel(models, 'identity', identityModel('FP32'));
    // Some cases are about inputs without elements.
    for (const { name, model } of cases) writeModel(models, name, model, { yaml: 'allow_empty: true\n' });
    server = await startServer({ MODEL_DIR: models, MODEL_NAMES: 'identity', ...withEnglish(locales) });
  });

  const calls = Object.entries(CALLS);
  it.each(ran.flatMap((one) => calls.map(([form, call]) => [one.name, form, one, call] as const)))(
    '%s in %s',
    async (name, _, { dataSets }, call) => {
      expect(dataSets.length).toBeGreaterThan(0);
      for (const { name: set, inputs, outputs } of dataSets) {
        const answer = await call(server, name, inputs, outputs);
        const differences = outputs.map((expected) => {
          return differenceOf(
            answer.find((actual) => actual.name === expected.name),
            expected,
          );
        });
        expect([set, ...differences]).toEqual([set, ...outputs.map(() => undefined)]);
      }
    },
  );

  if (refused.length > 0) {
    it.each(refused)('$name is refused for $lack', async ({ name }) => {
      const { status, body } = await server.get<{ error: string }>(`/v2/models/${name}`);
      expect([status, body.error]).toEqual([503, expect.stringContaining(`"${name}"`)]);
      expect((await server.get('/v2/models/identity/ready')).status).toBe(200);
    });
  }
});
