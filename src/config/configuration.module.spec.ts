import { ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { accessConfig, httpConfig, modelsConfig } from './config.slices';
import { ConfigurationModule } from './configuration.module';
import { settings } from './settings';

describe('ConfigurationModule', () => {
  it('hands out the frozen slices, and nothing of the environment beside them', async () => {
    const module = await Test.createTestingModule({ imports: [ConfigurationModule] }).compile();
    expect(module.get(httpConfig.KEY)).toBe(settings().http);
    expect(module.get(modelsConfig.KEY)).toBe(settings().models);
    expect(module.get(accessConfig.KEY)).toBe(settings().access);
    expect(module.get(ConfigService, { strict: false }).get('PATH')).toBeUndefined();
    await module.close();
  });
});
