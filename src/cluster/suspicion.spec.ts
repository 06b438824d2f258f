import { existsSync } from 'node:fs';
import { createRunRecord, RunPlace, runNote, runRecordFile, takeRunRecord } from '../process/run-record';
import { Suspicion } from './suspicion';

const MINUTE_MS = 60_000;

function suspicion() {
  const said: string[] = [];
  const clock = { nowMs: 0 };
  let running: string[] = [];
  const one = new Suspicion({
    now: () => clock.nowMs,
    record: (on) => said.push(`record: ${on}`),
    running: () => [running],
    accuse: (label, signal) => said.push(`${label} by ${signal}`),
  });
  const looks = (...labels: string[]): void => {
    running = labels;
    for (let i = 0; i < 20; i++) one.look();
  };
  return { one, said, clock, looks };
}

describe('the suspicion that a model kills workers', () => {
  it('blames what was running alone at the second death', () => {
    const { one, said } = suspicion();
    expect(one.active).toBe(false);
    one.died('SIGFPE', []);
    expect(one.active).toBe(true);
    one.died('SIGFPE', ['div/1']);
    expect(said).toEqual(['record: true', 'record: true', 'div/1 by SIGFPE']);
    one.close();
  });

  it('blames what two deaths have in common, where several were running', () => {
    const { one, said, looks } = suspicion();
    one.died('SIGSEGV', []);
    looks();
    one.died('SIGSEGV', ['a/1', 'b/1']);
    expect(said).toHaveLength(2);
    one.died('SIGSEGV', ['b/1', 'c/1']);
    expect(said.at(-1)).toBe('b/1 by SIGSEGV');
    one.close();
  });

  it('blames each of several, and not what runs all the time beside them', () => {
    const { one, said, looks } = suspicion();
    one.died('SIGFPE', []);
    // Nobody knows yet what runs all the time.
    for (const label of ['a/1', 'b/1']) one.died('SIGFPE', ['busy/1', label]);
    expect(said.filter((line) => line.includes('by'))).toEqual([]);
    looks('busy/1');
    for (const label of ['a/1', 'b/1']) one.died('SIGFPE', ['busy/1', label]);
    expect(said.filter((line) => line.includes('by'))).toEqual(['a/1 by SIGFPE', 'b/1 by SIGFPE']);
    one.close();
  });

  it('blames what runs all the time where it is in common, and what runs beside it is not', () => {
    const { one, said, looks } = suspicion();
    one.died('SIGFPE', []);
    looks('busy/1', 'a/1', 'b/1');
    one.died('SIGFPE', ['busy/1', 'a/1']);
    one.died('SIGFPE', ['busy/1', 'b/1']);
    expect(said.at(-1)).toBe('busy/1 by SIGFPE');
    one.close();
  });

  it('does not wait without end for looks at what runs', () => {
    const { one, said } = suspicion();
    for (let i = 0; i < 5; i++) one.died('SIGFPE', i === 0 ? [] : ['a/1', 'b/1']);
    expect(said.filter((line) => line.includes('by'))).toEqual(['a/1 by SIGFPE', 'b/1 by SIGFPE']);
    one.close();
  });

  it('takes no notice of what does not come from native code', () => {
    const { one, said } = suspicion();
    for (const signal of ['SIGKILL', 'SIGTERM', null]) one.died(signal, ['a/1']);
    expect(said).toEqual([]);
  });

  it('is over some minutes after the last death', () => {
    const { one, said, clock } = suspicion();
    one.died('SIGABRT', []);
    clock.nowMs = 11 * MINUTE_MS;
    expect(one.active).toBe(false);
    one.died('SIGABRT', ['a/1']);
    expect(said).toEqual(['record: true', 'record: true']);
    one.close();
  });
});

describe('the record of runs', () => {
  const file = runRecordFile(process.pid);

  it('has what was under way, and is gone once it is read', () => {
    createRunRecord(file);
    const on = new Int32Array(new SharedArrayBuffer(4)).fill(1);
    const places = ['a/1', `${'ü'.repeat(200)}/2`, 'c/3'].map((label, i) => {
      const place = new RunPlace({ on: on.buffer, file, place: i * 7 });
      place.begin(runNote(label));
      return place;
    });
    places[0]?.end();
    for (const place of places) place.close();
    const [long, short] = takeRunRecord(file);
    expect(short).toBe('c/3');
    expect(long).toMatch(/^ü+/);
    expect(existsSync(file)).toBe(false);
    expect(takeRunRecord(file)).toEqual([]);
  });
});
