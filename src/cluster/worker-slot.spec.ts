import { pino } from 'pino';
import { WorkerSlot, type WorkerSlotOwner } from './worker-slot';
import type { WorkerProcess } from './worker-process';

/** A worker as its slot sees it. */
class Worker {
  proved = false;
  servedMs = 0;
  readonly reason = undefined;
  readonly stop = jest.fn();

  constructor(readonly pid: number) {}

  get process(): WorkerProcess {
    return this as unknown as WorkerProcess;
  }
}

describe('a slot', () => {
  let forked: Worker[];
  let missing: string[];
  let deaths: number[];
  let failed: number;
  let said: string[];
  let slot: WorkerSlot;
  const last = (): Worker => forked.at(-1)!;
  const die = (worker = last()): void => slot.gone(worker.process, null, 'SIGKILL');
  beforeEach(() => {
    jest.useFakeTimers();
    [forked, missing, deaths, failed, said] = [[], [], [], 0, []];
    const owner: WorkerSlotOwner = {
      logger: pino({}, { write: (line) => said.push((JSON.parse(line) as { msg: string }).msg) }),
      stopping: false,
      stopTimeoutMs: 1000,
      fork: () => {
        forked.push(new Worker(forked.length + 1));
        return last().process;
      },
      died: (failures) => deaths.push(failures) > 0,
      failed: () => failed++,
      missing: () => missing,
    };
    slot = new WorkerSlot(owner);
    slot.fill();
  });
  afterEach(() => jest.useRealTimers());

  describe('whose workers die', () => {
    it('is taken again at once, then after waits that grow', () => {
      die();
      jest.advanceTimersByTime(0);
      expect(forked).toHaveLength(2);
      for (const waitMs of [250, 500, 1000]) {
        die();
        const before = forked.length;
        jest.advanceTimersByTime(waitMs - 1);
        expect(forked).toHaveLength(before);
        jest.advanceTimersByTime(1);
        expect(forked).toHaveLength(before + 1);
      }
      expect(deaths).toEqual([1, 2, 3, 4]);
    });

    it('is not left empty for longer than its last worker did not serve', () => {
      for (let death = 1; death <= 3; death++) {
        die();
        jest.runAllTimers();
      }
      last().servedMs = 900;
      die();
      jest.advanceTimersByTime(99);
      expect(forked).toHaveLength(4);
      jest.advanceTimersByTime(1);
      expect(forked).toHaveLength(5);
    });

    it('is in a crash loop from the third death in a row until a worker has proved itself', () => {
      for (const looping of [false, false, true]) {
        die();
        jest.runAllTimers();
        expect(slot.crashLooping).toBe(looping);
      }
      last().proved = true;
      expect(slot.crashLooping).toBe(false);
      die();
      expect(deaths.at(-1)).toBe(1);
      expect(slot.crashLooping).toBe(false);
    });

    it('stays empty when it is closed meanwhile', () => {
      die();
      slot.close();
      jest.runAllTimers();
      expect(forked).toHaveLength(1);
    });
  });

  describe('whose worker is replaced', () => {
    it('keeps it until the successor is ready', async () => {
      const replaced = slot.replace('SIGHUP');
      const [old, successor] = forked;
      expect(old?.stop).not.toHaveBeenCalled();
      slot.ready(successor!.process, []);
      await replaced;
      expect(old?.stop).toHaveBeenCalledWith(1000);
      expect(slot.current).toBe(successor?.process);
    });

    it('says when it died before it had finished, and not when it left', () => {
      void slot.replace('SIGHUP');
      const [old] = forked;
      slot.ready(last().process, []);
      slot.gone(old!.process, 0, null);
      expect(said).toEqual(['replacing worker']);
      die(old);
      expect(said.at(-1)).toBe('worker died on its way out');
      expect(forked).toHaveLength(2);
    });

    it('keeps it when the successor dies', async () => {
      const replaced = slot.replace('SIGHUP');
      die();
      await replaced;
      expect(slot.current).toBe(forked[0]?.process);
      expect(forked[0]?.stop).not.toHaveBeenCalled();
    });

    it('keeps it when the successor lacks models that it has', async () => {
      missing = ['iris'];
      const replaced = slot.replace('SIGHUP');
      slot.ready(last().process, []);
      await replaced;
      expect(slot.current).toBe(forked[0]?.process);
      expect(last().stop).toHaveBeenCalledWith(1000);
    });

    it('has the successor in its place when it dies meanwhile', async () => {
      const replaced = slot.replace('SIGHUP');
      die(forked[0]);
      await replaced;
      jest.runAllTimers();
      expect(forked).toHaveLength(2);
      expect(slot.current).toBe(forked[1]?.process);
    });
  });

  describe('whose workers fail', () => {
    const fail = (): void => slot.replaceFailing(last().process, 'it holds too much memory');

    it('replaces the first at once, and others in a row after waits that grow', () => {
      fail();
      slot.ready(last().process, []);
      fail();
      for (const waitMs of [250, 500]) {
        slot.ready(last().process, []);
        const before = forked.length;
        jest.advanceTimersByTime(waitMs - 1);
        fail();
        expect(forked).toHaveLength(before);
        jest.advanceTimersByTime(1);
        fail();
        expect(forked).toHaveLength(before + 1);
      }
      expect(failed).toBe(4);
      expect(slot.crashLooping).toBe(true);
    });

    it('prefers a successor that lacks models', () => {
      missing = ['iris'];
      fail();
      slot.ready(last().process, []);
      expect(slot.current).toBe(forked[1]?.process);
      expect(forked[0]?.stop).toHaveBeenCalled();
    });

    it('tries again when the successor dies', () => {
      const [failing] = forked;
      fail();
      die();
      jest.advanceTimersByTime(250);
      slot.replaceFailing(failing!.process, 'it still does');
      expect(forked).toHaveLength(3);
    });
  });
});
