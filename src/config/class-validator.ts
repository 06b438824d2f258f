import { createRequire } from 'node:module';
import type * as ClassValidator from 'class-validator';

/**
 * The parts of class-validator that are used. Its index loads every check that it has, the world's telephone numbers
 * among them: three hundred files, a tenth of a second of each process's start. The version is pinned.
 */
const requireHere = createRequire(__filename);

export const { ValidateBy } = requireHere('class-validator/cjs/decorator/common/ValidateBy') as Pick<
  typeof ClassValidator,
  'ValidateBy'
>;
export const { Validator } = requireHere('class-validator/cjs/validation/Validator') as Pick<
  typeof ClassValidator,
  'Validator'
>;
export const { getMetadataStorage } = requireHere('class-validator/cjs/metadata/MetadataStorage') as Pick<
  typeof ClassValidator,
  'getMetadataStorage'
>;
