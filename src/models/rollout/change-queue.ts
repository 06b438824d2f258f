import { PassingMap } from '../../common/passing';
import { DomainError } from '../../errors/domain-error';
import type { ModelChange } from './messages';

/** Changes of one model that are under way or wait. */
const MAX_CHANGES = 100;

interface Turn {
  readonly text: string;
  readonly done: Promise<void>;
  begun: boolean;
}

interface Line {
  length: number;
  last: Turn | undefined;
}

/** Changes of one model come one after the other; those of different models do not wait for each other. */
export class ChangeQueue {
  private readonly lines = new PassingMap<string, Line>();

  /** @throws conflict when too many wait, and what `carryOut` throws */
  take(change: ModelChange, carryOut: () => Promise<void>): Promise<void> {
    const { model } = change;
    const line = this.lines.get(model) ?? { length: 0, last: undefined };
    const { last } = line;
    const text = JSON.stringify(change);
    // What has not begun will do what this one wants.
    if (last?.begun === false && last.text === text) return last.done;
    if (line.length >= MAX_CHANGES) {
      const reason = `${MAX_CHANGES} changes of model "${model}" are under way or wait already.`;
      return Promise.reject(new DomainError('conflict', reason));
    }
    const begin = (): Promise<void> => {
      turn.begun = true;
      return carryOut();
    };
    const done = Promise.resolve(last?.done)
      .catch(() => undefined)
      .then(begin)
      .finally(() => {
        if (--line.length === 0) this.lines.delete(model);
      });
    const turn: Turn = { text, done, begun: false };
    line.last = turn;
    line.length++;
    this.lines.set(model, line);
    return done;
  }
}
