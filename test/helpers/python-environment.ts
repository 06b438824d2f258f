import { basename } from 'node:path';
import { isSet } from './requirements-of-tests';

const { pythonWith } = jest.requireActual<{
  pythonWith: (python3: string, requirements: string) => string | Error;
}>('./python-environments.js');

/**
 * The tests of a `describe` that need a Python with these packages, the path of a file for `pip install -r`. With CI set
 * they have to be there.
 */
export function withPackages(python3: string, requirements: string, tests: (python: string) => void): void {
  const python = pythonWith(python3, requirements);
  if (typeof python === 'string') {
    tests(python);
  } else if (isSet(process.env.CI)) {
    it(`has the packages of ${basename(requirements)}`, () => {
      throw python;
    });
  } else {
    describe.skip(`(skipped: the packages of ${basename(requirements)} cannot be installed)`, () =>
      tests(python3));
  }
}
