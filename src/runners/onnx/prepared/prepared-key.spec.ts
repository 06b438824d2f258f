import { machineTraits, preparedKey, type Traits } from './prepared-key';

const CPU = `processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 106
model name\t: Some CPU @ 2.00GHz
cpu MHz\t\t: 1999.9
flags\t\t: fpu sse avx2 avx512f
`;

const SESSION = {
  modelFile: '/models/a.onnx',
  intraOpThreads: 1,
  interOpThreads: 1,
  graphOptimization: 'all',
  executionProviders: ['cpu'],
} as const;

function keyOf(cpuinfo: string, digest = 'd', session: typeof SESSION | object = {}): string {
  const traits = machineTraits(cpuinfo) as Traits;
  return preparedKey(traits, { digest, session: { ...SESSION, ...session } });
}

describe('preparedKey', () => {
  it('is another for a CPU that can do less, or is another one', () => {
    const keys = [
      CPU,
      CPU.replace(' avx512f', ''),
      CPU.replace('GenuineIntel', 'AuthenticAMD'),
      CPU.replace(': 106', ': 85'),
    ].map((cpuinfo) => keyOf(cpuinfo));
    expect(new Set(keys).size).toBe(4);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is another where one core can do less than the others', () => {
    expect(keyOf(CPU + CPU.replace(' avx512f', ''))).not.toBe(keyOf(CPU));
  });

  it('is the same however many cores there are, however fast, and in whatever order their flags stand', () => {
    const other = CPU.replace('1999.9', '2400.0').replace('fpu sse avx2', 'avx2 fpu sse');
    expect(keyOf(CPU + other)).toBe(keyOf(CPU));
  });

  it('is another for other content, and for sessions that may add up in another order', () => {
    const keys = [
      keyOf(CPU),
      keyOf(CPU, 'e'),
      keyOf(CPU, 'd', { graphOptimization: 'basic' }),
      keyOf(CPU, 'd', { intraOpThreads: 2 }),
      keyOf(CPU, 'd', { interOpThreads: 2 }),
    ];
    expect(new Set(keys).size).toBe(5);
  });

  it('does not depend on where the model lies', () => {
    expect(keyOf(CPU, 'd', { modelFile: '/elsewhere/b.onnx', label: 'b/2' })).toBe(keyOf(CPU));
  });

  it('is another with another runtime', () => {
    const traits = machineTraits(CPU) as Traits;
    const other = traits.map((trait) => (trait === traits[3] ? '1.19.0' : trait));
    const wish = { digest: 'd', session: SESSION };
    expect(traits[3]).toMatch(/^\d+\.\d+\.\d+$/);
    expect(preparedKey(other, wish)).not.toBe(preparedKey(traits, wish));
  });

  it('knows the lines of an ARM machine', () => {
    const arm = 'Features\t: fp asimd sve\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n';
    expect(keyOf(arm)).not.toBe(keyOf(arm.replace(' sve', '')));
    expect(keyOf(arm)).not.toBe(keyOf(arm.replace('0xd40', '0xd0c')));
  });

  it('is not made where the system does not say what the CPU can do', () => {
    expect(machineTraits('')).toBeUndefined();
    expect(machineTraits('processor : 0\nvendor_id : x\n')).toBeUndefined();
  });
});
