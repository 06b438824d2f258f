import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '../../test/helpers/model-folder';
import { parseSettings } from '../config/settings';
import { checkStart } from './start-checks';

describe('checkStart', () => {
  const folder = temporaryFolder();
  const check = (env: Record<string, string>): Promise<void> =>
    checkStart(parseSettings({ HOST: '127.0.0.1', PORT: '0', MODEL_DIR: folder, ...env }));

  it('lets a server start that has a folder and a free port', async () => {
    await expect(check({})).resolves.toBeUndefined();
  });

  it('names the model folder that is not there, or is none, and what to set', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(check({ MODEL_DIR: join(folder, 'absent') })).rejects.toThrow(
      `the model folder ${folder}/absent does not exist; set MODEL_DIR`,
    );
    await expect(check({ MODEL_DIR: file })).rejects.toThrow(`${file} is not a folder; set MODEL_DIR`);
    await expect(check({ MODEL_DIR: join(file, 'inside') })).rejects.toThrow('inside does not exist');
  });

  it('needs no model folder for a model of another server', async () => {
    const env = { MODEL_DIR: join(folder, 'absent'), EXTERNAL_API_URL: 'http://gpu-1:8000' };
    await expect(check(env)).resolves.toBeUndefined();
  });

  it('names every port that is taken, with the setting that chose it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(check({ PORT: `${port}` })).rejects.toThrow(
      `port ${port} is taken at 127.0.0.1; set PORT to a free one`,
    );
    await expect(check({ MANAGEMENT_PORT: `${port}` })).rejects.toThrow('set MANAGEMENT_PORT');
    other.close();
    await once(other, 'close');
    await expect(check({ PORT: `${port}` })).resolves.toBeUndefined();
  });

  it('says that a host is none of this machine', async () => {
    await expect(check({ HOST: '192.0.2.1' })).rejects.toThrow(
      '192.0.2.1 is no address of this machine (EADDRNOTAVAIL); set HOST',
    );
  });
});
