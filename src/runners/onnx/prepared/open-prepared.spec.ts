import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mlpModel } from '../../../../test/helpers/onnx-models';
import { type FileStamp, stampOf } from '../../../common/file-stamp';
import { openRuntime } from '../runtime';
import type { SessionOptions } from '../session-options';
import { DATA_FILE, MODEL_FILE, type Prepared } from './prepared';
import { answerOf, isTelling, probes, runProbe } from './probe';

const PROBE = { style: 'narrow', size: 1 } as const;

let home: string;
let options: SessionOptions;
let prepared: Prepared;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'nestor-open-'));
  const modelFile = join(home, 'plain.onnx');
  writeFileSync(modelFile, mlpModel([64, 256, 256, 8]));
  options = {
    modelFile,
    intraOpThreads: 1,
    interOpThreads: 1,
    graphOptimization: 'all',
    executionProviders: ['cpu'],
  };
  const plain = await openRuntime({ ...options, saveTo: home });
  const answer = answerOf(await runProbe(plain, PROBE));
  await plain.release();
  prepared = {
    key: 'k',
    folder: home,
    stamp: await stampNow(),
    proof: { probe: PROBE, answer },
    ownBytes: 0,
    sharedBytes: 0,
  };
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const stampNow = (): Promise<FileStamp> => stampOf([join(home, MODEL_FILE), join(home, DATA_FILE)]);

async function open(form: Prepared): Promise<string> {
  const session = await openRuntime({ ...options, prepared: form });
  const answer = answerOf(await runProbe(session, PROBE));
  await session.release();
  return answer;
}

describe('openPrepared', () => {
  it('opens what answers as the model itself does', async () => {
    expect(await open(prepared)).toBe(prepared.proof.answer);
  });

  it('refuses files that are not those which were verified', async () => {
    utimesSync(join(home, DATA_FILE), new Date(), new Date());
    await expect(open(prepared)).rejects.toThrow('the files of its prepared form have changed');
    rmSync(join(home, DATA_FILE));
    await expect(open(prepared)).rejects.toThrow('the files of its prepared form have changed');
  });

  it('refuses weights that the runtime takes and that answer otherwise', async () => {
    const data = join(home, DATA_FILE);
    writeFileSync(data, readFileSync(data).fill(0, 0, statSync(data).size / 2));
    const stamp = await stampNow();
    await expect(open({ ...prepared, stamp })).rejects.toThrow(/answers otherwise/);
  });

  it('refuses what the runtime refuses', async () => {
    const model = join(home, MODEL_FILE);
    appendFileSync(model, 'not a model any more');
    const stamp = await stampNow();
    await expect(open({ ...prepared, stamp })).rejects.toThrow();
  });
});

describe('probes', () => {
  it('tells most first, with several sizes where dimensions are open', () => {
    const spec = { name: 'x', datatype: 'FP32', shape: [-1, 3] } as const;
    expect([...probes([spec], undefined)]).toEqual([PROBE, { style: 'timid', size: 1 }]);
    const open = [...probes([{ ...spec, shape: [-1, -1] }], { example: { x: [[1]] } })];
    expect(open[0]).toEqual({ example: { x: [[1]] } });
    expect(open).toHaveLength(13);
  });

  it('learns nothing from answers with a NaN or an infinity in them', () => {
    const tensor = { name: 'y', shape: [2] };
    expect(isTelling([{ ...tensor, datatype: 'FP32', data: new Float32Array([1, 2]) }])).toBe(true);
    expect(isTelling([{ ...tensor, datatype: 'FP32', data: new Float32Array([1, NaN]) }])).toBe(false);
    expect(isTelling([{ ...tensor, datatype: 'FP16', data: new Uint16Array([0x3c00, 0x7c00]) }])).toBe(false);
    expect(isTelling([{ ...tensor, datatype: 'INT64', data: new BigInt64Array(2) }])).toBe(true);
    expect(isTelling([])).toBe(false);
  });
});
