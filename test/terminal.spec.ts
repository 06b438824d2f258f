import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './helpers/processes';
import { describeWith } from './helpers/requirements-of-tests';
import { freePort, MODELS, TestServer } from './helpers/server';
import { until } from './helpers/until';

const MAIN = join(__dirname, '..', process.env.NESTOR_DIST ?? 'dist', 'main.js');

describeWith('python3', 'a server in a terminal', (python) => {
  const started: number[] = [];
  afterAll(() => {
    for (const pid of started) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });

  /** @param shell runs `$0`, the server's command */
  async function startInTerminal(
    shell: string,
    ...options: string[]
  ): Promise<{ server: TestServer; pid: number }> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'nestor-terminal-'));
    const terminal = spawn(
      python,
      [join(__dirname, 'helpers', 'terminal.py'), 'bash', ...options, '-c', shell, process.execPath, MAIN],
      {
        cwd: folder,
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          HOST: '127.0.0.1',
          PORT: String(port),
          WORKERS: '1',
          MODEL_DIR: MODELS,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const server = new TestServer(terminal, port, folder);
    await server.ready();
    await server.said(', pid ');
    const pid = Number(/, pid (\d+)/.exec(server.output)?.[1]);
    started.push(pid);
    return { server, pid };
  }

  it('stops when its terminal is closed, and gives the port back', async () => {
    const { server, pid } = await startInTerminal('exec "$0" "$@"');
    server.process.kill('SIGKILL');
    await until('it is gone', () => !isAlive(pid));
    await expect(server.get('/api/health/live')).rejects.toThrow();
  });

  it('reloads on SIGHUP when it is in the background, and stops when the terminal is closed', async () => {
    const { server, pid } = await startInTerminal('"$0" "$@" & wait', '-i');
    process.kill(pid, 'SIGHUP');
    await server.said('replacing worker');
    expect((await server.get('/api/health/live')).status).toBe(200);
    server.process.kill('SIGKILL');
    await until('it is gone', () => !isAlive(pid));
  });

  it('stops on SIGHUP when it is in the foreground', async () => {
    const { server, pid } = await startInTerminal('exec "$0" "$@"');
    process.kill(pid, 'SIGHUP');
    await until('it is gone', () => !isAlive(pid));
    await until('its last words are here', () => server.output.includes('stopped'));
  });
});
