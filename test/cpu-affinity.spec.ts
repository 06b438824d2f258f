import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bindThread } from '../src/sessions/thread-binding';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel, slowModel } from './helpers/onnx-models';
import { spawnServer, startServer, type TestServer } from './helpers/server';
import { describeWithCpus, threadOf, threadsOf, type ThreadSeen } from './helpers/threads';

/** By it session threads are told from all others. */
const NICENESS = 10;

jest.setTimeout(120_000);

describeWithCpus('a server of as many workers as CPUs', (cpus) => {
  // Two of them, however many there are: each server gets what this process has.
  const two = cpus.slice(0, 2);
  const [first = 0] = two;
  const models = temporaryFolder();
  const slow = temporaryFolder();
  const programs = temporaryFolder('programs');
  const called = join(programs, 'called');
  beforeAll(async () => {
    writeModel(models, 'same', identityModel('FP32'));
    writeModel(models, 'pair', identityModel('FP32'), { yaml: 'intra_op_threads: 2\n' });
    writeModel(slow, 'slow', slowModel(5000));
    const taskset = join(programs, 'taskset');
    writeFileSync(taskset, `#!/bin/sh\necho "$@" >> ${called}\nexit 1\n`);
    chmodSync(taskset, 0o755);
    await bindThread(process.pid, two);
  });
  afterAll(() => bindThread(process.pid, cpus));

  const mainOf = (pid: number): readonly number[] => threadOf(pid, pid).cpus;
  const othersOf = (pid: number): ThreadSeen[] =>
    threadsOf(pid).filter(({ id, niceness }) => id !== pid && niceness !== NICENESS);
  const sessionsOf = (pid: number): (readonly number[])[] =>
    threadsOf(pid)
      .filter(({ niceness }) => niceness === NICENESS)
      .map(({ cpus: own }) => own);
  const placesOf = (server: TestServer): (readonly number[])[] => server.workers().map(mainOf);

  async function serve(env: Record<string, string> = {}): Promise<TestServer> {
    const server = await startServer({ MODEL_DIR: models, WORKERS: '2', ...env });
    await server.workersReady(2);
    return server;
  }

  async function expectUnbound(server: TestServer): Promise<void> {
    for (const name of ['same', 'pair']) {
      expect((await server.post(`/api/inference/${name}`, { x: [[1, 2]] })).status).toBe(200);
    }
    for (const worker of server.workers()) {
      for (const thread of threadsOf(worker)) expect(thread.cpus).toEqual(two);
    }
  }

  describe('by itself', () => {
    let server: TestServer;
    beforeAll(async () => (server = await serve()));

    const allBound = (): Promise<void> =>
      server.until('each worker is on one CPU', () => placesOf(server).every(({ length }) => length === 1));

    it('gives each worker a CPU of its own, and says which', async () => {
      await allBound();
      expect(placesOf(server).flat().sort()).toEqual(two);
      const [plan = ''] = server.output.split('\n').filter((line) => line.includes('"msg":"thread plan"'));
      expect(JSON.parse(plan)).toMatchObject({ workers: 2, cpus: two });
    });

    it('keeps a session of one thread there, gives one of several all CPUs, and leaves the other threads', () => {
      for (const worker of server.workers()) {
        const sessions = sessionsOf(worker);
        expect(sessions.filter(({ length }) => length === 1)).toEqual([mainOf(worker)]);
        // Its own and the runtime's.
        const wide = sessions.filter(({ length }) => length === 2);
        expect(wide.length).toBeGreaterThanOrEqual(2);
        expect(othersOf(worker).filter(({ cpus: own }) => own.length === 2).length).toBeGreaterThan(1);
      }
    });

    it('treats models that are loaded later the same', async () => {
      const worker = server.workers()[0] ?? 0;
      const before = sessionsOf(worker).map(String).sort();
      for (const name of ['same', 'pair']) {
        for (const action of ['unload', 'load']) {
          const { status } = await server.post(`/v2/repository/models/${name}/${action}`, {});
          expect(status).toBe(200);
        }
      }
      await server.until(
        'its threads are where those before them were',
        () => sessionsOf(worker).map(String).sort().join() === before.join(),
      );
    });

    it('gives the one that follows another one the same CPU', async () => {
      const [victim = 0, other = 0] = server.workers();
      const [place, kept] = [mainOf(victim), mainOf(other)];
      process.kill(victim, 'SIGKILL');
      await server.until('it is another one', () => !server.workers().includes(victim));
      await server.workersReady(2);
      await allBound();
      const [follower = 0] = server.workers().filter((pid) => pid !== other);
      expect([mainOf(follower), mainOf(other)]).toEqual([place, kept]);
    });
  });

  it('takes no CPU for its event loops before they serve', async () => {
    const server = await spawnServer({ MODEL_DIR: slow, WORKERS: '2' });
    await server.until('both load', () => {
      const loads = server.workers().flatMap(sessionsOf);
      return loads.length === 2 && loads.every(({ length }) => length === 1);
    });
    expect(placesOf(server)).toEqual([two, two]);
    expect(server.output).not.toContain('is ready at');
  });

  it('with CPU_AFFINITY=off binds nothing, and starts no program for it', async () => {
    const server = await serve({ CPU_AFFINITY: 'off', PATH: programs });
    await expectUnbound(server);
    expect(existsSync(called)).toBe(false);
  });

  it('serves unbound where taskset fails, which it tries once', async () => {
    const server = await serve({ PATH: programs, LOG_LEVEL: 'debug' });
    await server.said('workers are not bound to CPUs');
    await expectUnbound(server);
    expect(readFileSync(called, 'utf8').trim().split('\n')).toEqual([
      `-cp ${two.join(',')} ${server.process.pid}`,
    ]);
  });

  it('serves unbound without taskset', async () => {
    const server = await serve({ PATH: '/nowhere', LOG_LEVEL: 'debug' });
    await server.said('workers are not bound to CPUs');
    await expectUnbound(server);
  });

  it('puts all workers on the CPUs that are named', async () => {
    const server = await serve({ CPU_AFFINITY: String(first) });
    await server.until('both are there', () => placesOf(server).flat().join() === [first, first].join());
    for (const worker of server.workers()) expect(sessionsOf(worker)).toContainEqual([first]);
  });

  it('serves, and says so once for each worker, where no CPU that is named is there', async () => {
    const server = await serve({ CPU_AFFINITY: '8191', LOG_LEVEL: 'debug' });
    const words = 'threads are not bound to CPUs';
    await server.until('both say so', () => server.output.split(words).length === 3);
    await expectUnbound(server);
    expect(server.output.split(words)).toHaveLength(3);
  });

  it('of one process without a primary binds to what is named, and to nothing by itself', async () => {
    const [named, byItself] = await Promise.all(
      [String(first), 'auto'].map((setting) =>
        startServer({ MODEL_DIR: models, WORKERS: '0', CPU_AFFINITY: setting }),
      ),
    );
    if (!named || !byItself) throw new Error('there are two');
    await named.until('it is on its CPU', () => mainOf(named.process.pid ?? 0).length === 1);
    expect(sessionsOf(named.process.pid ?? 0)).toContainEqual([first]);
    await expectUnbound(byItself);
  });
});
