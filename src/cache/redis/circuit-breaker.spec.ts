import { CircuitBreaker } from './circuit-breaker';

function breaker(): { circuit: CircuitBreaker; changes: () => number } {
  let changes = 0;
  return { circuit: new CircuitBreaker(() => changes++), changes: () => changes };
}

describe('CircuitBreaker', () => {
  it('opens at the third failure', () => {
    const { circuit, changes } = breaker();
    circuit.failed();
    circuit.failed();
    expect(circuit.isOpen).toBe(false);
    circuit.failed();
    expect([circuit.isOpen, circuit.opened, changes()]).toEqual([true, 1, 1]);
  });

  it('stays closed while one operation in two hundred fails, and opens when one in fifty does', () => {
    const failing = (oneIn: number): CircuitBreaker => {
      const { circuit } = breaker();
      for (let i = 1; i <= 10_000; i++) {
        if (i % oneIn === 0) circuit.failed();
        else circuit.succeeded();
      }
      return circuit;
    };
    expect(failing(200).isOpen).toBe(false);
    expect(failing(50).isOpen).toBe(true);
  });

  it('stays open whatever late answers come, until it is closed', () => {
    const { circuit, changes } = breaker();
    for (let i = 0; i < 10; i++) circuit.failed();
    for (let i = 0; i < 1000; i++) circuit.succeeded();
    expect(circuit.isOpen).toBe(true);
    circuit.close();
    circuit.close();
    expect([circuit.isOpen, changes()]).toEqual([false, 2]);
  });

  it('opens again at the first failure after it was closed, unless it has done well for a while', () => {
    const { circuit } = breaker();
    for (let i = 0; i < 3; i++) circuit.failed();
    circuit.close();
    circuit.failed();
    expect([circuit.isOpen, circuit.opened]).toEqual([true, 2]);
    circuit.close();
    for (let i = 0; i < 300; i++) circuit.succeeded();
    circuit.failed();
    expect(circuit.isOpen).toBe(false);
  });
});
