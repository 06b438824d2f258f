import { temporaryFolder, writeModel } from '../../../test/helpers/model-folder';
import { addModel, externalDataModel } from '../../../test/helpers/onnx-models';
import { ModelFolder } from './model-folder';
import { startModels } from './start-models';

const dir = temporaryFolder();
const apart = externalDataModel([64, 128, 8]);
const apartBytes = apart.model.length + apart.dataFiles['weights.bin']!.length;
writeModel(dir, 'apart', apart, { version: '1', yaml: 'instances: 3\n' });
writeModel(dir, 'add', addModel(), { version: '1' });
writeModel(dir, 'add', addModel(2000), { version: '12' });
writeModel(dir, 'far', addModel(), { version: '1', yaml: 'runtime: remote\nremote: {url: "http://far"}\n' });
writeModel(dir, 'broken', Buffer.from([1, 2, 3]), { version: '1' });

describe('startModels', () => {
  it('takes the latest version of each model with its external data, and its instances', async () => {
    const found = await startModels(new ModelFolder(dir), []);
    expect(found).toEqual([
      { sizeBytes: addModel(2000).length, instances: 1 },
      { sizeBytes: apartBytes, instances: 3 },
    ]);
  });

  it('takes those alone that are required, where some are', async () => {
    expect(await startModels(new ModelFolder(dir), ['apart', 'gone'])).toEqual([
      { sizeBytes: apartBytes, instances: 3 },
    ]);
    expect(await startModels(new ModelFolder(`${dir}/gone`), [])).toEqual([]);
  });
});
