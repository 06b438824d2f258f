import { Redactor } from './redactor';

const TOKEN = 'tok/en+1?é-longer';

describe('Redactor', () => {
  const redactor = new Redactor([TOKEN, 'short'], ['gpu-1:8000', 'gpu-1']);

  it.each([
    ['as it is', TOKEN],
    ['percent-encoded', encodeURIComponent(TOKEN)],
    ['percent-encoded in lower case', encodeURIComponent(TOKEN).toLowerCase()],
    [
      'percent-encoded in every byte',
      [...Buffer.from(TOKEN)].map((byte) => `%${byte.toString(16)}`).join(''),
    ],
  ])('takes out a secret %s', (_, spelt) => {
    expect(redactor.text(`said ${spelt}, twice: ${spelt}.`)).toBe('said [secret], twice: [secret].');
  });

  it.each(['', 'u', 'us', 'user:'])('takes out the base64 of a secret after "%s"', (before) => {
    for (const after of ['', '!', '!!', ' and more']) {
      for (const encoding of ['base64', 'base64url'] as const) {
        const text = Buffer.from(before + TOKEN + after).toString(encoding);
        const shown = redactor.text(`Basic ${text}`);
        expect(shown).toContain('[secret]');
        expect(Buffer.from(shown.replace('[secret]', ''), 'base64').toString()).not.toContain('en+1');
      }
    }
  });

  it('takes out where a remote is, and no other words', () => {
    expect(redactor.text('http://gpu-1:8000/v2 or GPU-1, not gpu-10 or my-gpu-1')).toBe(
      'http://[remote]/v2 or [remote], not gpu-10 or my-gpu-1',
    );
  });

  it('takes secrets out of texts among the data, unless they are too short to be told from it', () => {
    const data = ['a', `x ${TOKEN}`, 'short'];
    redactor.tensors([
      { name: 'y', datatype: 'BYTES', shape: [3], data },
      { name: 'z', datatype: 'FP32', shape: [1], data: new Float32Array(1) },
    ]);
    expect(data).toEqual(['a', 'x [secret]', 'short']);
  });
});
