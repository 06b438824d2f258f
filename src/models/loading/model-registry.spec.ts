import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { temporaryFolder, writeModel } from '../../../test/helpers/model-folder';
import { identityModel } from '../../../test/helpers/onnx-models';
import { ONNX } from '../../runners/onnx/onnx-kind';
import { ModelRepository } from '../repository/model-repository';
import { ModelRegistry } from './model-registry';

describe('a model whose files are gone', () => {
  const folder = temporaryFolder();
  let registry: ModelRegistry;
  const names = (): string[] => registry.known().map(({ name }) => name);
  const gone = (name: string): void => {
    for (const path of [`${name}.onnx`, name]) rmSync(join(folder, path), { recursive: true, force: true });
  };
  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  beforeEach(async () => {
    mkdirSync(folder, { recursive: true });
    for (const name of ['a', 'b']) writeModel(folder, name, identityModel('FP32'));
    writeModel(folder, 'broken', new Uint8Array(0), { version: '1' });
    registry = new ModelRegistry(new ModelRepository(folder, [ONNX]));
    await registry.refresh();
    expect(names()).toEqual(['a', 'b', 'broken']);
  });

  it('is gone from what is known, by a look at all or at the one', async () => {
    gone('a');
    gone('broken');
    await registry.refresh();
    expect(names()).toEqual(['b']);
    gone('b');
    expect(await registry.refreshModel('b')).toBeUndefined();
    expect(names()).toEqual([]);
  });

  it('stays as long as it serves', async () => {
    registry.entry('a').version(undefined)!.state = 'READY';
    gone('a');
    await registry.refresh();
    expect(names()).toEqual(['a', 'b', 'broken']);
  });

  it('stays where it is required, and says what is missing', async () => {
    registry.entry('a').required = true;
    gone('a');
    await registry.refresh();
    expect(registry.entry('a')).toMatchObject({ reason: 'it is not in the model folder' });
    expect(registry.entry('a').versions.size).toBe(0);
  });

  it('is not what a folder is that cannot be read', async () => {
    rmSync(folder, { recursive: true });
    await registry.refresh();
    expect(names()).toEqual(['a', 'b', 'broken']);
  });
});
