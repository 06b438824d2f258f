import fc from 'fast-check';
import { LineAssembler } from './line-assembler';

function assemble(chunks: Buffer[], maxLineBytes?: number): { lines: string[]; fragments: string[] } {
  const lines: string[] = [];
  const fragments: string[] = [];
  const assembler = new LineAssembler(
    (whole) => lines.push(whole.toString()),
    (fragment) => fragments.push(fragment.toString()),
    maxLineBytes,
  );
  for (const chunk of chunks) assembler.push(chunk);
  assembler.end();
  return { lines, fragments };
}

describe('LineAssembler', () => {
  it('gives whole lines alone, and loses none, wherever the chunks are cut', () => {
    const text = fc.array(fc.string({ maxLength: 20 }).map((line) => `${line.replaceAll('\n', '')}\n`));
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 10 }), (written, cuts) => {
        const bytes = Buffer.from(written.join(''));
        const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        const { lines, fragments } = assemble(chunks);
        expect(lines.join('')).toBe(written.join(''));
        expect(lines.every((run) => run.endsWith('\n'))).toBe(true);
        expect(fragments).toEqual([]);
      }),
    );
  });

  it('tells apart the line that its writer never ended', () => {
    expect(assemble([Buffer.from('whole\nha'), Buffer.from('lf')])).toEqual({
      lines: ['whole\n'],
      fragments: ['half'],
    });
  });

  it('cuts a line without an end and goes on with the next one', () => {
    const chunks = ['a\nbbbb', 'bbbb', 'bbbb', 'b\nc', 'c\n'].map((text) => Buffer.from(text));
    expect(assemble(chunks, 6)).toEqual({ lines: ['a\n', 'cc\n'], fragments: ['bbbbbbbb'] });
  });
});
