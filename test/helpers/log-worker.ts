import { setImmediate } from 'node:timers/promises';
import { openWorkerLog, type ProcessLog } from '../../src/telemetry/logging/process-log';

/** What a spec tells a forked worker of the log to do. */
export interface LogWork {
  worker: number;
  /** Every fifth is an application line, every fiftieth an error; the others are access lines. */
  lines: number;
  ending: 'close' | 'exit' | 'crash';
}

const LINES_A_TURN = 200;

async function work({ worker, lines, ending }: LogWork): Promise<void> {
  const log = openWorkerLog(
    {
      level: 'info',
      format: 'json',
      fileMaxBytes: 0,
      filesKept: 0,
      access: true,
      slowRequestMs: 1000,
      service: 'nestor',
    },
    worker,
  );
  for (let index = 0; index < lines; index += 1) {
    writeLine(log, index, `${worker}.${index}`);
    if (index % LINES_A_TURN === 0) await setImmediate();
  }
  if (ending === 'crash') throw new Error(`worker ${worker} crashes`);
  if (ending === 'close') await log.close();
  process.exit(0);
}

function writeLine(log: ProcessLog, index: number, requestId: string): void {
  if (index % 50 === 0) log.logger.error({ requestId }, 'an error line');
  else if (index % 5 === 0) log.logger.info({ requestId, padding: 'x'.repeat(index % 300) }, 'a line');
  else
    log.access.write(requestId, 'POST', '/api/inference/digits', 200, 0.42, 211, 95, '127.0.0.1', 'digits');
}

process.once('message', (task: LogWork) => void work(task));
