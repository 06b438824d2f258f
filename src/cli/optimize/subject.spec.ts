import { temporaryFolder } from '../../../test/helpers/model-folder';
import { SENTENCE_FILES, smallTextModel, writeTextFolder } from '../../../test/helpers/text-models';
import { subjectOf } from './subject';

jest.mock('../../runners/onnx/thread-file', () =>
  jest.requireActual<object>('../../../test/helpers/compiled-thread'),
);
jest.mock('../../processing/pool/thread-file', () =>
  jest.requireActual<object>('../../../test/helpers/processing-thread-file'),
);

describe('subjectOf', () => {
  const modelDir = temporaryFolder();
  it.each(['left', 'right'])('has texts run together as the model wants them: %s', async (side) => {
    const tokenizer = { model_max_length: 64, pad_token: '[MASK]', padding_side: side };
    const files = { ...SENTENCE_FILES, 'tokenizer_config.json': tokenizer };
    writeTextFolder(modelDir, side, smallTextModel('hidden'), files);
    const subject = await subjectOf({ modelDir, name: side }, new AbortController().signal);
    expect(subject.joining).toMatchObject({ fill: { input_ids: 4 }, side });
    expect(subject.nature).toMatchObject({ side });
    expect(new Set(subject.rows.map(([ids]) => ids!.shape[1])).size).toBeGreaterThan(4);
    expect(subject.own).toBe(false);
  });
});
