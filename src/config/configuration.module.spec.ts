import { ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { accessConfig, type HttpConfig, httpConfig, modelsConfig } from './config.slices';
import { ConfigurationModule } from './configuration.module';
import { parseSettings } from './settings';

describe('ConfigurationModule', () => {
  it('hands out the frozen slices, and nothing of the environment beside them', async () => {
    const given = parseSettings({ PORT: '8123' });
    const module = await Test.createTestingModule({ imports: [ConfigurationModule.with(given)] }).compile();
    expect(module.get(httpConfig.KEY)).toBe(given.http);
    expect(module.get(modelsConfig.KEY)).toBe(given.models);
    expect(module.get(accessConfig.KEY)).toBe(given.access);
    expect(module.get(ConfigService, { strict: false }).get('PATH')).toBeUndefined();
    await module.close();
  });

  it('gives each application in a process its own', async () => {
    const [first, second] = await Promise.all(
      ['8001', '8002'].map((PORT) =>
        Test.createTestingModule({ imports: [ConfigurationModule.with(parseSettings({ PORT }))] }).compile(),
      ),
    );
    expect(first!.get<HttpConfig>(httpConfig.KEY).port).toBe(8001);
    expect(second!.get<HttpConfig>(httpConfig.KEY).port).toBe(8002);
  });
});
