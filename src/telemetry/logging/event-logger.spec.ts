import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';
import { EventLogger, NestLogger } from './event-logger';

const EVENT = { msg: 'model loaded', model: 'iris', ms: 12, takes: 'row of 4', reason: undefined };

class Kept implements LoggerService {
  readonly messages: unknown[] = [];
  log = (message: unknown): void => void this.messages.push(message);
  error = this.log;
  warn = this.log;
}

class KeptConsole extends ConsoleLogger {
  readonly messages: unknown[] = [];
  override log = (message: unknown): void => void this.messages.push(message);
}

describe('EventLogger', () => {
  afterEach(() => {
    Logger.overrideLogger(false);
  });

  it('gives a logger that writes objects the facts as they are', () => {
    const kept = new Kept();
    Logger.overrideLogger(kept);
    new EventLogger('Loader').info(EVENT);
    expect(kept.messages).toEqual([EVENT]);
  });

  it.each<[string, (logger: LoggerService) => LoggerService]>([
    ['later on', (logger) => logger],
    ['while an application starts inside another one', (logger) => new NestLogger(logger, 'silent')],
  ])("gives Nest's console a line of text, %s", (_, wrapped) => {
    const console = new KeptConsole();
    Logger.overrideLogger(wrapped(console));
    new EventLogger('Loader').info(EVENT);
    new EventLogger('Loader').info({ msg: 'stopped' });
    expect(console.messages).toEqual(['model loaded: model=iris ms=12 takes="row of 4"', 'stopped']);
  });

  it("gives Nest's console objects where it writes JSON", () => {
    const console = new KeptConsole({ json: true });
    Logger.overrideLogger(console);
    new EventLogger('Loader').info(EVENT);
    expect(console.messages).toEqual([EVENT]);
  });
});
