import { CostModel } from './cost-model';

function learn(cost: CostModel, rows: number, runMs: number, times = 8): void {
  for (let i = 0; i < times; i++) cost.record(rows, runMs);
}

describe('CostModel', () => {
  it('knows nothing before the first run', () => {
    const cost = new CostModel(32);
    expect(cost.predictMs(1)).toBe(0);
    expect(cost.maxRows).toBe(32);
  });

  it('learns each power of two apart, and takes what lies between as rising evenly', () => {
    const cost = new CostModel(32);
    learn(cost, 1, 0.12);
    learn(cost, 32, 0.44);
    expect(cost.predictMs(1)).toBeCloseTo(0.12);
    expect(cost.predictMs(16)).toBeCloseTo(0.12 + (0.32 * 15) / 31);
    expect(cost.predictMs(32)).toBeCloseTo(0.44);
  });

  it('takes an unknown size as proportional to the nearest smaller one, else as the nearest larger one', () => {
    const cost = new CostModel(32);
    learn(cost, 4, 2);
    expect(cost.predictMs(16)).toBeCloseTo(8);
    expect(cost.predictMs(1)).toBeCloseTo(2);
  });

  it('follows a cost that changes', () => {
    const cost = new CostModel(1);
    learn(cost, 1, 1);
    learn(cost, 1, 3, 60);
    expect(cost.predictMs(1)).toBeCloseTo(3, 1);
  });

  it('lets one stalled run count for little', () => {
    const cost = new CostModel(1);
    learn(cost, 1, 1);
    cost.record(1, 1000);
    expect(cost.predictMs(1)).toBeLessThan(1.5);
  });

  it('forgets a slow first run, which found everything cold, after a few others', () => {
    const cost = new CostModel(1);
    cost.record(1, 10_000);
    learn(cost, 1, 100, 7);
    expect(cost.predictMs(1)).toBeLessThan(200);
    expect(cost.msPerRun).toBeLessThan(200);
  });

  it('knows a size once there were some runs, and one as large', () => {
    const cost = new CostModel(1);
    learn(cost, 10, 1, 7);
    expect(cost.knows(1)).toBe(false);
    learn(cost, 10, 1, 1);
    expect([cost.knows(1), cost.knows(20), cost.knows(1000)]).toEqual([true, true, false]);
  });

  it('takes a request of many more rows than were ever run for a few times dearer, a batch for as many times', () => {
    const cost = new CostModel(32);
    learn(cost, 1, 2);
    expect(cost.predictMs(32)).toBeCloseTo(64);
    expect(cost.predictMs(5_000_000)).toBeCloseTo(8);
  });

  it('caps the batch below the size whose rows are dearer', () => {
    const cost = new CostModel(64);
    learn(cost, 1, 0.92);
    learn(cost, 4, 4 * 1.061);
    expect(cost.maxRows).toBe(64);
    learn(cost, 16, 16 * 1.405);
    expect(cost.maxRows).toBe(8);
    learn(cost, 8, 8 * 1.3);
    expect(cost.maxRows).toBe(4);
  });

  it('leaves a batch alone whose rows are cheaper, or dearer by a trifle', () => {
    const cost = new CostModel(32);
    learn(cost, 1, 0.121);
    learn(cost, 32, 32 * 0.0137);
    learn(cost, 2, 0.16);
    expect(cost.maxRows).toBe(32);
  });

  it('caps long batches already where larger ones save nothing: their rows would only wait for each other', () => {
    const cost = new CostModel(64);
    learn(cost, 1, 4);
    learn(cost, 2, 7.9);
    learn(cost, 4, 15.8);
    expect(cost.maxRows).toBe(2);
  });

  it('tries smaller batches where none is known to compare a long one with', () => {
    const cost = new CostModel(64);
    learn(cost, 16, 64);
    expect(cost.maxRows).toBe(8);
    learn(cost, 8, 32);
    expect(cost.maxRows).toBe(4);
    learn(cost, 4, 16);
    learn(cost, 2, 8);
    expect(cost.maxRows).toBe(2);
  });

  it('leaves long batches alone that save much', () => {
    const cost = new CostModel(64);
    learn(cost, 1, 20);
    learn(cost, 2, 22);
    learn(cost, 64, 64);
    expect(cost.maxRows).toBe(64);
  });

  it('does not cap after a few noisy samples', () => {
    const cost = new CostModel(32);
    learn(cost, 1, 1);
    learn(cost, 8, 80, 3);
    expect(cost.maxRows).toBe(32);
  });

  it('tries a capped size again now and then, ever more seldom while it stays dear', () => {
    const cost = new CostModel(8);
    learn(cost, 1, 1);
    learn(cost, 2, 10);
    const probes: number[] = [];
    for (let batch = 0; batch < 2000; batch++) {
      const rows = cost.batchRows(8);
      if (rows > 1) probes.push(batch);
      cost.record(rows, rows === 1 ? 1 : 10);
    }
    expect(probes.length).toBeGreaterThanOrEqual(3);
    expect(probes.length).toBeLessThanOrEqual(6);
    expect(probes[2]! - probes[1]!).toBeGreaterThan(probes[1]! - probes[0]!);
  });

  it('lifts a cap that noise had set', () => {
    const cost = new CostModel(8);
    learn(cost, 1, 1);
    learn(cost, 2, 10);
    expect(cost.maxRows).toBe(1);
    for (let batch = 0; batch < 4000; batch++) {
      const rows = cost.batchRows(8);
      cost.record(rows, 1 + 0.1 * rows);
    }
    expect(cost.maxRows).toBe(8);
  });

  it('does not probe while the cap holds nobody back', () => {
    const cost = new CostModel(8);
    learn(cost, 1, 1);
    learn(cost, 8, 80);
    for (let batch = 0; batch < 500; batch++) expect(cost.batchRows(1)).toBe(cost.maxRows);
  });

  it('takes sizes beyond any bucket and without rows', () => {
    const cost = new CostModel(1e9);
    learn(cost, 0, 1);
    learn(cost, 2 ** 40, 5);
    expect(cost.predictMs(2 ** 40)).toBeCloseTo(5);
    expect(cost.maxRows).toBeGreaterThanOrEqual(1);
  });
});
