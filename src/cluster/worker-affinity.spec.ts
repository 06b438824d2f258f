import type { ThreadPlan } from '../sessions/thread-plan';
import { workerAffinity } from './worker-affinity';

const PLAN: ThreadPlan = { quota: 2, workers: 2, slots: 1, intraOpThreads: 1 };
const FILES: Record<string, string> = {
  '/proc/self/status': 'Cpus_allowed_list:\t4-7\n',
  '/sys/devices/system/cpu/online': '0-5\n',
};

describe('the CPUs of workers', () => {
  const debug = jest.fn();
  const canBind = jest.fn<boolean, [readonly number[]]>();
  beforeEach(() => canBind.mockReturnValue(true));
  afterEach(() => jest.resetAllMocks());

  const decide = (
    wanted: Parameters<typeof workerAffinity>[0],
    plan: ThreadPlan = PLAN,
  ): { cpus?: readonly number[]; settings: string[] } => {
    const { cpus, settingOf } = workerAffinity(wanted, plan, { debug }, (path) => FILES[path], canBind);
    return { cpus, settings: [1, 2].map((place) => settingOf(place)) };
  };
  const unbound = { cpus: undefined, settings: ['off', 'off'] };

  const onLinux = process.platform === 'linux' ? it : it.skip;
  onLinux('are by themselves one for each place, of those that are there', () => {
    expect(decide('auto')).toEqual({ cpus: [4, 5], settings: ['4', '5'] });
    // What the process has anyway: trying is to change nothing.
    expect(canBind.mock.calls).toEqual([[[4, 5, 6, 7]]]);
    expect(debug).not.toHaveBeenCalled();
  });

  onLinux('are left open where threads cannot be bound', () => {
    canBind.mockReturnValue(false);
    expect(decide('auto')).toEqual(unbound);
    expect(debug).toHaveBeenCalledTimes(1);
  });

  it('are left open, and nothing is tried, where workers and CPUs do not match or it is not wanted', () => {
    expect(decide('auto', { ...PLAN, workers: 1 })).toEqual(unbound);
    expect(decide('off')).toEqual(unbound);
    expect(canBind).not.toHaveBeenCalled();
  });

  it('are those that are named, for all of them', () => {
    expect(decide([0, 3])).toEqual({ cpus: [0, 3], settings: ['0,3', '0,3'] });
    expect(canBind).not.toHaveBeenCalled();
  });
});
