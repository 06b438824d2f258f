// A processing thread of the sources as they are, for specs:
//   jest.mock('./thread-file', () => jest.requireActual<object>('../../../test/helpers/processing-thread-file'));
require('./ts-require.js');
require('../../src/processing/pool/processing-thread.entry.ts');
