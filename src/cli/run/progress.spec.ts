import { Progress } from './progress';

class Terminal {
  written: string[] = [];
  constructor(readonly isTTY: boolean) {}
  write(text: string): void {
    this.written.push(text);
  }
}

describe('Progress', () => {
  it('draws how far it is, no more than ten times a second, and clears its line', () => {
    let nowMs = 0;
    const terminal = new Terminal(true);
    const progress = new Progress(terminal, 1000, () => nowMs);
    nowMs = 2000;
    progress.tell(3000, 500);
    nowMs = 2050;
    progress.tell(4000, 600);
    progress.end();
    expect(terminal.written).toEqual([
      '\r[############            ]  50 %  3,000 rows, 1,500/s\u001b[K',
      '\r\u001b[K',
    ]);
  });

  it('has no bar where nobody knows how much there is', () => {
    let nowMs = 0;
    const terminal = new Terminal(true);
    const progress = new Progress(terminal, undefined, () => nowMs);
    nowMs = 1000;
    progress.tell(10, 500);
    expect(terminal.written).toEqual(['\r10 rows, 10/s\u001b[K']);
  });

  it('is silent where there is no terminal', () => {
    const terminal = new Terminal(false);
    const progress = new Progress(terminal, 1000);
    progress.tell(1, 1000);
    progress.end();
    expect(terminal.written).toEqual([]);
  });
});
