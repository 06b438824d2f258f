import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONSTANT } from './chaos/calls';
import { ChangingModel } from './chaos/changing-model';
import { writeDeadlyModels } from './chaos/deadly-inputs';
import { Deaths } from './chaos/deaths';
import { type Disturbance, DISTURBANCES } from './chaos/disturbances';
import { ChaosLoad } from './chaos/load';
import { optionsOf } from './chaos/options';
import { reasonsOf, type Row, rowOf, tableOf } from './chaos/report';
import { Stage } from './chaos/stage';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel } from './helpers/onnx-models';
import { TestRedis } from './helpers/redis';
import { findTool } from './helpers/requirements-of-tests';
import { seededRandom } from './helpers/seeded-random';
import { freePort, startServer, type TestServer } from './helpers/server';

const WORKERS = 2;
const options = optionsOf(process.env);
/** Much longer than the load goes on: this process may be held up, too. */
const STOP_DELAY_MS = 3000;
const LOAD_MS = 500;

jest.setTimeout(options.seconds * 1000 + 240_000);

describe(`a server of ${WORKERS} workers that is disturbed under steady load`, () => {
  const models = temporaryFolder();
  const random = seededRandom(options.seed);
  const rows: Row[] = [];
  let server: TestServer;
  let load: ChaosLoad;
  let stage: Stage;

  beforeAll(async () => {
    process.stdout.write(`chaos: seed ${options.seed} (CHAOS_SEED repeats it)\n`);
    const model = new ChangingModel(models);
    writeModel(models, CONSTANT, identityModel('FP32'));
    writeDeadlyModels(models);
    const redisServer = findTool('redis-server');
    const redis = redisServer === undefined ? undefined : await TestRedis.start(redisServer);
    const management = await freePort();
    server = await startServer({
      MODEL_DIR: models,
      MODEL_NAMES: 'bias,same',
      WORKERS: String(WORKERS),
      MANAGEMENT_PORT: String(management),
      CACHE_ENABLED: 'true',
      REDIS_URL: redis?.url ?? '',
      HEARTBEAT_TIMEOUT_MS: '3000',
      SHUTDOWN_TIMEOUT_MS: '4000',
      SHUTDOWN_DELAY_MS: String(STOP_DELAY_MS),
    });
    const deaths = new Deaths(server.port);
    load = new ChaosLoad(server.port, options.rate, seededRandom(options.seed + 1), deaths);
    stage = new Stage(server, management, WORKERS, model, load, deaths, redis, random);
    await stage.fullStrength();
    await load.take();
  });

  afterAll(() => {
    load.close();
    process.stdout.write(`\n${tableOf(rows)}\n${reasonsOf(rows)}\n`);
    if (options.log !== undefined) writeFileSync(options.log, server.output);
    if (options.json !== undefined) {
      writeFileSync(options.json, JSON.stringify({ ...options, workers: WORKERS, rows }, undefined, 2));
    }
  });

  it('answers every request rightly, or refuses it and says why, but for those in a worker that was killed', async () => {
    const possible = DISTURBANCES.filter(({ needs }) => {
      return needs === undefined || (needs === 'redis' ? stage.redis : findTool(needs)) !== undefined;
    });
    const endMs = performance.now() + options.seconds * 1000;
    do {
      for (const disturbances of drawRound(possible)) {
        const name = disturbances.map((one) => one.name).join(' + ');
        stage.strike();
        const ends = await Promise.allSettled(disturbances.map((one) => one.run(stage)));
        const errors = ends.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
        const fullStrengthMs = await stage.fullStrength().catch((error: unknown) => {
          errors.push(String(error));
          return Infinity;
        });
        rows.push(rowOf(name, await load.take(), fullStrengthMs, errors.join('; ')));
        // What comes after that says nothing.
        if (fullStrengthMs === Infinity) throw new Error(errors.join('; '));
        if (options.seconds > 0 && performance.now() > endMs) break;
      }
    } while (performance.now() < endMs);
    expect(rows.filter(({ faults, error }) => faults > 0 || error !== '')).toEqual([]);
  });

  it('answers everything on its way to a stop', async () => {
    await stage.clear();
    await load.take();
    server.process.kill('SIGTERM');
    // While it delays its stop for the sake of load balancers, it takes requests like before.
    await sleep(LOAD_MS);
    load.stop();
    const row = rowOf('SIGTERM to the server', await load.take(), 0);
    rows.push(row);
    expect(await server.exited).toBe(0);
    expect({ ...row, right: row.requests }).toEqual(row);
  });

  /**
   * Every disturbance once, in an order drawn by lot: in the short form one of each family, in the long form all, and
   * sometimes two at a time.
   */
  function drawRound(possible: readonly Disturbance[]): Disturbance[][] {
    const isLong = options.seconds > 0;
    const left = [...possible];
    const seen = new Set<string>();
    const round: Disturbance[][] = [];
    while (left.length > 0) {
      const [one] = left.splice(random(left.length), 1);
      if (one === undefined) break;
      if (!isLong && one.family !== undefined && seen.has(one.family)) continue;
      if (one.family !== undefined) seen.add(one.family);
      const other = isLong && random(3) === 0 ? stage.draw(possible) : undefined;
      const together = other !== undefined && other !== one && !conflict(one, other);
      round.push(together ? [one, other] : [one]);
    }
    return round;
  }
});

function conflict(one: Disturbance, other: Disturbance): boolean {
  return (one.deadly === true && other.deadly === true) || (one.model === true && other.model === true);
}
