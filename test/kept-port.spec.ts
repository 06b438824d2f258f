import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from './helpers/server';
import { until } from './helpers/until';

const HELPERS = join(__dirname, 'helpers');
const PATIENCE_MS = 2000;

describe('the port of a worker that died and that nobody follows', () => {
  let port: number;
  let primary: ChildProcess;
  beforeAll(async () => {
    port = await freePort();
    primary = fork(join(HELPERS, 'port-keeper.ts'), [String(port), String(PATIENCE_MS)], {
      execArgv: ['-r', join(HELPERS, 'ts-require.js')],
    });
    await once(primary, 'message');
  });
  afterAll(() => primary.kill('SIGKILL'));

  /** What becomes of a connection, in the order of events. */
  function fateOf(): Promise<string[]> {
    const fate: string[] = [];
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => fate.push('made'));
    socket.on('error', (error: NodeJS.ErrnoException) => fate.push(error.code ?? error.message));
    return new Promise((resolve) => socket.once('close', () => resolve(fate)));
  }

  it('takes connections for a while, then lets them go and refuses new ones', async () => {
    primary.send('kill');
    expect(await once(primary, 'message')).toContain('dead');
    expect((await fateOf())[0]).toBe('made');
    // One that comes just then may be taken by the system yet, and reset.
    await until('connections are refused', async () => (await fateOf()).includes('ECONNREFUSED'));
  });
});
