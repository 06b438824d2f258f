import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../test/helpers/model-folder';
import { identityModel, widenModel } from '../../test/helpers/onnx-models';
import { Crew } from './testing/crew';

describe('a worker that joins others', () => {
  const folder = temporaryFolder();
  let crew: Crew;
  const put = (version: string, model = identityModel('FP32')): void => {
    mkdirSync(join(folder, 'm', version), { recursive: true });
    writeFileSync(join(folder, 'm', version, 'model.onnx'), model);
  };
  const configure = (yaml: string): void => writeFileSync(join(folder, 'm', 'model.yaml'), yaml);
  const load = (): Promise<void> => crew.coordinator.change({ action: 'load', model: 'm' });
  const ensure = (version: string): Promise<void> =>
    crew.coordinator.change({ action: 'ensure', model: 'm', version });
  beforeEach(async () => {
    put('1');
    configure('description: old');
    crew = new Crew(folder, ['m']);
    await crew.start();
    expect(crew.answers('m')).toEqual(['1: old']);
  });
  afterEach(() => rmSync(join(folder, 'm'), { recursive: true }));

  it('has the settings that were changed while it started', async () => {
    const late = crew.fork();
    await late.membership.start();
    configure('description: new');
    await load();
    await late.membership.join();
    expect(crew.answers('m')).toEqual(['1: new', '1: new']);
  });

  it('has all take the settings of the folder where it finds others than they have', async () => {
    configure('description: new');
    await crew.start();
    expect(crew.answers('m')).toEqual(['1: new', '1: new']);
  });

  it('serves nothing that the others have replaced, not even where it cannot load what they have', async () => {
    const late = crew.fork();
    await late.membership.start();
    put('2');
    await load();
    late.opening = (file) => {
      if (file.includes('/2/')) throw new Error('no memory');
    };
    await late.membership.join();
    expect(crew.answers('m')).toEqual(['2: old', 'nothing']);
    // What kept it from loading has passed.
    late.opening = () => undefined;
    await ensure('2');
    expect(crew.answers('m')).toEqual(['2: old', '2: old']);
  });

  it('gives requests that name no version the one that they get from the others', async () => {
    put('2');
    configure('versions: {specific: [1]}');
    await load();
    await ensure('2');
    await crew.start();
    expect(crew.answers('m')).toEqual(['1: ', '1: ']);
    expect(crew.answers('m', '2')).toEqual(['2: ', '2: ']);
  });

  it('does not even open files that are other ones than the others have loaded', async () => {
    put('1', widenModel(3));
    crew.workers[0]!.opening = () => {
      throw new Error('no memory');
    };
    const late = crew.fork();
    await late.membership.start();
    expect(late.opened).toEqual([]);
    await late.membership.join();
    expect(crew.answers('m')).toEqual(['1: old', 'nothing']);
    await expect(ensure('1')).rejects.toThrow('other files or settings by now than the server has loaded');
  });
});
