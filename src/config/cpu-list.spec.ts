import { parseCpuList } from './cpu-list';

describe('parseCpuList', () => {
  it.each([
    ['0', [0]],
    ['0-3,8', [0, 1, 2, 3, 8]],
    ['2,0', [0, 2]],
    ['5-5', [5]],
    ['0-2,1-3', [0, 1, 2, 3]],
    ['1, 3', [1, 3]],
    ['8191', [8191]],
  ])('reads %j', (text, cpus) => {
    expect(parseCpuList(text)).toEqual(cpus);
  });

  it.each(['', ',', '0,', '-1', '3-1', '1-', '0x1', 'ff', '1.5', '0 1', '0-3/2', '8192', '0-99999'])(
    'refuses %j',
    (text) => {
      expect(parseCpuList(text)).toBeUndefined();
    },
  );
});
