import { parseModelConfig } from '../../../test/helpers/runner-kinds';

describe('traffic and shadow', () => {
  it('are shares of versions, by what callers say where that is asked for', () => {
    const { traffic, shadow } = parseModelConfig('traffic: {2: 10%, 3: 0.5%, by: X-User-Id}\nshadow: 4', 'm');
    expect(traffic).toEqual({
      shares: [
        { version: '2', share: 0.1 },
        { version: '3', share: 0.005 },
      ],
      by: 'x-user-id',
    });
    expect(shadow).toBe('4');
  });

  it('are nothing where there is nothing', () => {
    expect(parseModelConfig('', 'm')).toMatchObject({ traffic: undefined, shadow: undefined });
  });

  it.each([
    '{}',
    '{by: x}',
    '{2: 10}',
    '{2: 0%}',
    '{2: -1%}',
    '{0: 5%}',
    '{2: 60%, 3: 41%}',
    '{2: 5%, by: "a b"}',
    '5%',
  ])('refuses traffic: %s', (yaml) => {
    expect(() => parseModelConfig(`traffic: ${yaml}`, 'm')).toThrow(/traffic: must be \{<version>/);
  });

  it('refuses a shadow that is no version', () => {
    expect(() => parseModelConfig('shadow: latest', 'm')).toThrow(/shadow: must be a version/);
  });
});
