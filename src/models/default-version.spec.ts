import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from '../../test/helpers/model-folder';
import { identityModel } from '../../test/helpers/onnx-models';
import { Crew } from './testing/crew';

describe('the version of a model, loaded on request, for requests that name none', () => {
  const folder = temporaryFolder();
  let crew: Crew;
  const put = (version: string): void => {
    mkdirSync(join(folder, 'm', version), { recursive: true });
    writeFileSync(join(folder, 'm', version, 'model.onnx'), identityModel('FP32'));
  };
  const ensure = (version: string): Promise<void> =>
    crew.coordinator.change({ action: 'ensure', model: 'm', version });
  /** A look at the folder by each, as when the models are listed. */
  const look = (): Promise<unknown> => Promise.all(crew.workers.map(({ registry }) => registry.refresh()));
  const defaults = (): (string | undefined)[] =>
    crew.workers.map(({ registry }) => registry.entry('m').defaultVersion);
  beforeEach(async () => {
    writeModel(folder, 'required', identityModel('FP32'));
    put('1');
    put('2');
    crew = new Crew(folder, ['required']);
    await crew.start();
    await crew.start();
  });
  afterEach(() => rmSync(join(folder, 'm'), { recursive: true }));

  it('is the highest one, also after another was asked for by name', async () => {
    await ensure('1');
    expect(defaults()).toEqual(['2', '2']);
    await ensure('2');
    await crew.start();
    expect(crew.answers('m')).toEqual(['2: ', '2: ', '2: ']);
  });

  it('stays the same while it serves, whatever comes into the folder', async () => {
    await ensure('2');
    put('3');
    await look();
    await crew.start();
    expect(crew.answers('m')).toEqual(['2: ', '2: ', '2: ']);
    await ensure('3');
    expect(crew.answers('m')).toEqual(['2: ', '2: ', '2: ']);
  });

  it('is looked for anew when it serves no more', async () => {
    await ensure('2');
    put('3');
    await crew.coordinator.change({ action: 'unload', model: 'm' });
    await look();
    expect(defaults()).toEqual(['3', '3']);
  });
});
