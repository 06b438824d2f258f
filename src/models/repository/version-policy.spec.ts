import { parseModelConfig } from '../../../test/helpers/runner-kinds';
import { versionsToServe } from './version-policy';

const served = (yaml: string): string[] =>
  versionsToServe(parseModelConfig(yaml, 'm').versions, ['1', '2', '10']);

describe('the policy of versions', () => {
  it.each([
    ['', ['10']],
    ['versions: {latest: 2}', ['2', '10']],
    ['versions: all', ['1', '2', '10']],
    ['versions: {specific: [1, 10]}', ['1', '10']],
    ['versions: {specific: ["7"]}', []],
  ])('of %j serves %j', (yaml, versions) => {
    expect(served(yaml)).toEqual(versions);
  });

  it.each([
    'versions: some',
    'versions: {latest: 0}',
    'versions: {specific: [-1]}',
    'versions: {specific: []}',
  ])('refuses %j', (yaml) => {
    expect(() => parseModelConfig(yaml, 'm')).toThrow(/versions: must be all/);
  });
});
