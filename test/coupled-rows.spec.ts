import { mkdirSync } from 'node:fs';
import { graphModel, type SmallGraph, type Step } from './helpers/graph-models';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { mlpModel } from './helpers/onnx-models';
import { seededRandom } from './helpers/seeded-random';
import { startServer, type TestServer } from './helpers/server';

/** Requests to each model; as many more as STORM says. */
const REQUESTS = 320 * Number(process.env.STORM ?? 1);
/** Sent at once, so that they run together where they may. */
const WAVE = 32;
const WIDTH = 4;

const coupled = (steps: readonly Step[], more: Partial<SmallGraph> = {}): Uint8Array =>
  graphModel({
    steps,
    inputs: { x: ['N', WIDTH] },
    outputs: { y: ['N', WIDTH] },
    integers: { zero: 0, one: 1, first: [0], second: [1], both: [0, 1], rest: [1], most: [1_000_000] },
    floats: {
      kernel: [[WIDTH, 1, 3], 0.5],
      w: [[1, WIDTH, WIDTH], 0.3],
      none: [[], 0],
      much: [[], 3],
    },
    ...more,
  });

/** Models that declare rows, but whose rows change each other: by everything of them, or by what few bring. */
const COUPLED: Readonly<Record<string, Uint8Array>> = {
  cumulated: coupled([['CumSum', ['x', 'zero'], ['y']]]),
  called: coupled([['Scanned', ['x', 'zero'], ['y']]], {
    functions: {
      Scanned: { steps: [['CumSum', ['v', 'axis'], ['s']]], inputs: ['v', 'axis'], outputs: ['s'] },
    },
  }),
  filtered: coupled([
    ['Transpose', ['x'], ['t'], { perm: [1, 0] }],
    ['Unsqueeze', ['t', 'first'], ['c']],
    ['Conv', ['c', 'kernel'], ['f'], { group: WIDTH, pads: [1, 1] }],
    ['Squeeze', ['f', 'first'], ['s']],
    ['Transpose', ['s'], ['y'], { perm: [1, 0] }],
  ]),
  // Nothing in this graph says what it does.
  shifted: coupled([
    ['Shape', ['x'], ['sizes']],
    ['Gather', ['sizes', 'zero'], ['rows'], { axis: 0 }],
    ['Range', ['zero', 'rows', 'one'], ['places']],
    ['Sub', ['places', 'one'], ['ahead']],
    ['Max', ['ahead', 'zero'], ['kept']],
    ['Gather', ['x', 'kept'], ['before'], { axis: 0 }],
    ['Add', ['x', 'before'], ['y']],
  ]),
  recurrent: coupled(
    [
      ['Unsqueeze', ['x', 'second'], ['t']],
      ['RNN', ['t', 'w', 'w'], ['all'], { hidden_size: WIDTH }],
      ['Squeeze', ['all', 'middle'], ['y']],
    ],
    { integers: { second: [1], middle: [1, 2] } },
  ),
  capped: coupled([
    ['ReduceMax', ['x'], ['m'], { axes: [0], keepdims: 1 }],
    ['Greater', ['m', 'much'], ['g']],
    ['Where', ['g', 'none', 'x'], ['y']],
  ]),
  quantised: coupled([
    ['DynamicQuantizeLinear', ['x'], ['q', 'scale', 'zeroPoint']],
    ['DequantizeLinear', ['q', 'scale', 'zeroPoint'], ['y']],
  ]),
};
/** Rows that stand out change the others; what the graph shows is overruled by who says that it is batched. */
const CAPPED_ALL_THE_SAME = coupled(
  [
    ['ReduceMax', ['x'], ['m'], { axes: [0, 1], keepdims: 1 }],
    ['Greater', ['m', 'huge'], ['g']],
    ['Where', ['g', 'none', 'x'], ['y']],
  ],
  { floats: { huge: [[], 1000], none: [[], 0] } },
);

interface Call {
  readonly cached: boolean;
  readonly result: { readonly y: number[][] };
}
interface Described {
  readonly batching: { readonly enabled: boolean; readonly reason?: string };
}

const random = seededRandom(20_261_127);
/** About normal, now and then far out; never 0. */
function row(): number[] {
  const scale = random(8) === 0 ? 100 : 1;
  return Array.from({ length: WIDTH }, () => (scale * (random(2001) - 1000 + 0.5)) / 500);
}

describe('requests of many clients at once', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    mkdirSync(models, { recursive: true });
    for (const [name, model] of Object.entries(COUPLED)) writeModel(models, name, model);
    writeModel(models, 'sound', mlpModel([WIDTH, 64, WIDTH]));
    writeModel(models, 'trusted', CAPPED_ALL_THE_SAME, { yaml: 'batching: true' });
    server = await startServer({ MODEL_DIR: models, WORKERS: '2', CACHE_ENABLED: 'true' });
    await server.workersReady(2);
  });
  afterAll(() => server.stop());

  async function ask(model: string, x: number[], query = '?use_cache=false'): Promise<Call> {
    const { status, body } = await server.post<Call>(`/api/inference/${model}${query}`, { x: [x] });
    expect(status).toBe(200);
    return body;
  }
  const described = async (model: string): Promise<Described> =>
    (await server.get<Described>(`/api/inference/${model}`, { connection: 'close' })).body;
  async function metric(name: string): Promise<number> {
    const { body } = await server.get<string>('/metrics');
    return Number(
      body
        .split('\n')
        .find((line) => line.startsWith(name))
        ?.split(' ')[1] ?? 0,
    );
  }
  /** The difference of two rows, in parts of what floats may differ. */
  const differs = (one: readonly number[], other: readonly number[]): boolean =>
    one.some((x, i) => Math.abs(x - other[i]!) > 1e-4 * Math.max(1, Math.abs(x)));

  it.each([...Object.keys(COUPLED), 'sound'])('get from %s what each gets alone', async (model) => {
    const rows = Array.from({ length: REQUESTS }, row);
    const alone: number[][] = [];
    for (const x of rows.slice(0, WAVE)) alone.push((await ask(model, x)).result.y[0]!);
    for (let from = 0; from < REQUESTS; from += WAVE) {
      const wave = rows.slice(from, from + WAVE);
      // The same rows in another company: each wave begins with those that were asked alone.
      const sent = [...rows.slice(0, WAVE / 2), ...wave];
      const answers = await Promise.all(sent.map((x) => ask(model, x)));
      const wrong = answers.slice(0, WAVE / 2).filter(({ result }, i) => differs(result.y[0]!, alone[i]!));
      expect(wrong).toEqual([]);
    }
  });

  it('are batched where rows leave each other alone, and nowhere else', async () => {
    expect((await described('sound')).batching).toEqual({ enabled: true, max_batch_rows: 64 });
    expect(await metric('nestor_batch_rows_sum{model="sound"')).toBeGreaterThan(
      await metric('nestor_batch_rows_count{model="sound"'),
    );
    const reasons = await Promise.all(
      Object.keys(COUPLED).map(async (model) => (await described(model)).batching.reason),
    );
    expect(reasons).toEqual([
      'its operator CumSum works over the axis of the rows',
      'its operator CumSum works over the axis of the rows',
      'its operator Conv works over the axis of the rows',
      'output "y" of a row differs in a batch',
      'its operator RNN works over the axis of the rows',
      'its operator ReduceMax works over the axis of the rows',
      'its operator DynamicQuantizeLinear scales by the largest value of the whole batch; `nestor optimize --int8` makes of the original one that does not',
    ]);
  });

  describe('to a model that is batched on somebody’s word', () => {
    it('end its batches on all workers once one was wrong, and the cache forgets its answers', async () => {
      expect((await described('trusted')).batching.enabled).toBe(true);
      const known = () => Promise.all(Array.from({ length: 8 }, () => ask('trusted', [1, 2, 3, 4], '')));
      await server.until('both workers know it', async () => (await known()).every(({ cached }) => cached));
      const outlier = [9999, 0.5, 0.5, 0.5];
      await server.until('a wrong batch was found', async () => {
        await Promise.all(
          Array.from({ length: WAVE }, (_, i) => ask('trusted', i % 8 === 0 ? outlier : row())),
        );
        return server.output.includes('cached answers of a model were forgotten');
      });
      const states = await Promise.all(Array.from({ length: 12 }, () => described('trusted')));
      expect(new Set(states.map(({ batching }) => JSON.stringify(batching)))).toEqual(
        new Set([
          JSON.stringify({
            enabled: false,
            max_batch_rows: 1,
            reason: 'its batches were wrong: output "y" of a row differs in a batch',
          }),
        ]),
      );
      await server.said('batches of a model were wrong, it is not batched any more');
      expect(
        await metric('nestor_batch_audits_total{model="trusted",version="1",result="differs"}'),
      ).toBeGreaterThan(0);
      expect((await ask('trusted', [1, 2, 3, 4], '')).cached).toBe(false);
      const answers = await Promise.all(
        Array.from({ length: WAVE }, (_, i) => ask('trusted', i % 2 ? outlier : [1, 2, 3, 4])),
      );
      expect(new Set(answers.map(({ result }) => String(result.y[0])))).toEqual(
        new Set(['1,2,3,4', '0,0,0,0']),
      );
    });

    it('stay alone on a worker that comes later', async () => {
      const before = server.workers();
      process.kill(before[0]!, 'SIGKILL');
      await server.until('one is new', () => server.workers().some((pid) => !before.includes(pid)));
      await server.workersReady(2);
      const states = await Promise.all(Array.from({ length: 16 }, () => described('trusted')));
      expect(states.every(({ batching }) => !batching.enabled)).toBe(true);
    });
  });
});
