import { AccessLog } from './access-log';
import { consoleFormat } from './console-format';
import { createLogger } from './process-log';

const ORIGIN = { service: 'scores', pid: 1, worker: 2 };

/** What the pretty console shows of what `log` logs, without the time. */
function shown(log: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  log(createLogger('info', ORIGIN, { write: (line) => void lines.push(line) }));
  const text = consoleFormat(false)(Buffer.from(lines.join('')));
  return text.toString().replaceAll(/^\[[\d:.]+\] /gm, '');
}

describe('the console for people', () => {
  it('names the model, and how long its load took, on one line', () => {
    expect(shown((logger) => logger.info({ model: 'iris', version: '1', ms: 41 }, 'model loaded'))).toBe(
      'INFO: model loaded {"model":"iris","version":"1","ms":41}\n',
    );
  });

  it('says where a line comes from, and of which request it is', () => {
    const text = shown((logger) =>
      logger.error({ context: 'Router', requestId: 'r-1', path: '/x', status: 7 }, 'it failed'),
    );
    expect(text).toBe('ERROR: Router: it failed (r-1) {"path":"/x","status":7}\n');
  });

  it('shows a request as one short line', () => {
    const lines: Buffer[] = [];
    const access = new AccessLog({ write: (chunk) => void lines.push(Buffer.from(chunk)) }, ORIGIN);
    access.write(
      'r-2',
      'POST',
      '/api/inference/iris',
      200,
      1.5,
      10,
      20,
      '127.0.0.1',
      'iris',
      undefined,
      undefined,
      {
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: 'b7ad6b7169203331',
      },
    );
    access.flush();
    const text = consoleFormat(false)(Buffer.concat(lines)).toString();
    expect(text).toMatch(/INFO: POST \/api\/inference\/iris 200 1\.5 ms iris \(r-2\)\n$/);
  });
});
