import { dotEnvFaults } from './dotenv-lines';

describe('dotEnvFaults', () => {
  it('finds nothing in what is right', () => {
    const text =
      '# a comment\n\nPORT=8000\r\nexport HOST=::\n  LOG_DIR = "a b" # c\nVERSION: 1\nEMPTY=\nJSON=\'{\n "a": 1\n}\'\nA=1';
    expect(dotEnvFaults(text)).toEqual([]);
  });

  it('names lines that assign nothing, whatever is on them', () => {
    expect(dotEnvFaults('PORT 8000\nsecret\nHOST=a\n=b\nPORT:8000')).toEqual([
      'line 1 of .env does nothing: expected NAME=value',
      'line 2 of .env does nothing: expected NAME=value',
      'line 4 of .env does nothing: expected NAME=value',
      'line 5 of .env does nothing: expected NAME=value',
    ]);
  });

  it('names what comes twice, and quotes that stay open', () => {
    expect(dotEnvFaults('PORT=1\nHOST="a\nPORT=2')).toEqual([
      'line 2 of .env opens a quote that nothing closes',
      'PORT is given twice in .env, on lines 1 and 3: the last counts',
    ]);
  });

  it('says no more than people read', () => {
    expect(dotEnvFaults('x\n'.repeat(100_000))).toHaveLength(50);
  });
});
