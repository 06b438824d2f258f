import { isOpen, LeakyBreaker, probedCircuit } from './circuit';

/** A circuit, and operations through it that end as the test says. */
class Subject {
  readonly breaker = new LeakyBreaker();
  readonly circuit = probedCircuit(this.breaker, ({ message }) => message !== 'not counted');
  changes = 0;

  constructor() {
    this.circuit.onStateChange(() => this.changes++);
  }

  get isOpen(): boolean {
    return isOpen(this.circuit);
  }

  succeeded(): Promise<void> {
    return this.circuit.execute(() => Promise.resolve());
  }

  async failed(message = 'failed'): Promise<void> {
    await expect(this.circuit.execute(() => Promise.reject(new Error(message)))).rejects.toThrow(message);
  }

  async opens(): Promise<this> {
    for (let i = 0; i < 3; i++) await this.failed();
    expect(this.isOpen).toBe(true);
    return this;
  }
}

describe('probedCircuit', () => {
  it('opens at the third failure', async () => {
    const subject = new Subject();
    await subject.failed();
    await subject.failed();
    expect(subject.isOpen).toBe(false);
    await subject.failed();
    expect([subject.isOpen, subject.breaker.opened, subject.changes]).toEqual([true, 1, 1]);
  });

  it('stays closed whatever is not counted', async () => {
    const subject = new Subject();
    for (let i = 0; i < 10; i++) await subject.failed('not counted');
    expect([subject.isOpen, subject.breaker.opened]).toEqual([false, 0]);
  });

  it('stays closed while one operation in two hundred fails, and opens when one in fifty does', async () => {
    const failing = async (oneIn: number): Promise<Subject> => {
      const subject = new Subject();
      for (let i = 1; i <= 2000 && !subject.isOpen; i++)
        await (i % oneIn === 0 ? subject.circuit.execute(fail).catch(() => undefined) : subject.succeeded());
      return subject;
    };
    expect((await failing(200)).isOpen).toBe(false);
    expect((await failing(50)).isOpen).toBe(true);
  });

  it('stays open whatever late answers come, until a probe succeeds', async () => {
    const subject = new Subject();
    let late = (): void => undefined;
    const answers = Array.from({ length: 4 }, (_, i) =>
      subject.circuit.execute(
        () =>
          new Promise<void>((resolve, reject) => {
            const before = late;
            late = () => (before(), i % 2 ? resolve() : reject(new Error('failed')));
          }),
      ),
    );
    await subject.opens();
    late();
    await Promise.allSettled(answers);
    expect([subject.isOpen, subject.breaker.opened]).toEqual([true, 1]);
    await subject.failed();
    expect([subject.isOpen, subject.breaker.opened]).toEqual([true, 1]);
    await subject.succeeded();
    expect(subject.isOpen).toBe(false);
  });

  it('opens again at the first failure after it was closed, unless it has done well for a while', async () => {
    const subject = await new Subject().opens();
    await subject.succeeded();
    await subject.failed();
    expect([subject.isOpen, subject.breaker.opened]).toEqual([true, 2]);
    await subject.succeeded();
    for (let i = 0; i < 300; i++) await subject.succeeded();
    await subject.failed();
    expect(subject.isOpen).toBe(false);
  });
});

function fail(): Promise<void> {
  return Promise.reject(new Error('failed'));
}
