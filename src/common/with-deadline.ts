import { DomainError } from '../errors/domain-error';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * What `promise` gives, or deadline_exceeded when `deadlineMs` of `performance.now()` comes first; the
 * promise goes on then.
 */
export async function withDeadline<T>(
  promise: Promise<T>,
  deadlineMs: number,
  waitingFor: string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const fail = (): void =>
      reject(new DomainError('deadline_exceeded', `The deadline passed while waiting for ${waitingFor}.`));
    timer = setTimeout(fail, Math.min(deadlineMs - performance.now(), LONGEST_TIMER_MS));
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
