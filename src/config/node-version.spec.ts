import { nodeFault } from './node-version';

describe('nodeFault', () => {
  it.each(['20.19', '20.19.0', '20.19.5', '20.20.0', '22.0.0', '24.1.0'])('takes %s for 20.19', (version) => {
    expect(nodeFault(version, '20.19')).toBeUndefined();
  });

  it.each(['20.18.3', '20.9.0', '18.20.8', '8.0.0'])('refuses %s, and says which one it needs', (version) => {
    expect(nodeFault(version, '20.19')).toBe(
      `This server needs Node 20.19 or newer, and this is Node ${version}.`,
    );
  });
});
