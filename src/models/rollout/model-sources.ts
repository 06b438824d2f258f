import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { EventLog } from '../../telemetry/logging/log-line';
import type { PullResult } from '../repository/sources/pull-sources';

/** What fetches and hashes does so in a process of its own: this one has probes to answer. */
const COMMAND = join(__dirname, '..', '..', 'cli', 'main.js');

export interface ModelSourcesOptions {
  /** As `nestor pull` takes them; empty: there are none. */
  readonly sources: readonly string[];
  readonly dir: string;
  readonly maxBytes: number;
  /** 0: they are looked at once, at the start. */
  readonly intervalMs: number;
  /** The folder has something that it did not have. */
  readonly changed: () => Promise<void>;
  readonly log: EventLog;
}

/** Keeps the model folder at what the sources have. A source that is away leaves what is there. */
export class ModelSources {
  stopped = false;
  private timer: NodeJS.Timeout | undefined;
  private child: ChildProcess | undefined;

  constructor(private readonly options: ModelSourcesOptions) {}

  /** Looks at all of them once; resolves when that is over, whatever came of it, to whether a model changed. */
  async pull(): Promise<boolean> {
    const { sources, dir, maxBytes, log } = this.options;
    if (sources.length === 0 || this.stopped) return false;
    const args = ['pull', '--json', '--dir', dir, '--max-bytes', String(maxBytes), ...sources];
    const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    let changed = false;
    let said = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      const result = JSON.parse(line) as PullResult;
      if ('fault' in result)
        log.warn({ msg: 'a source of models gives nothing, what is there stays', ...result });
      else if (result.changed) {
        changed = true;
        log.info({ msg: 'model pulled', ...result });
      }
    });
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-1000)));
    const code = await new Promise<number | null>((resolve) => {
      child.once('error', () => resolve(null));
      child.once('close', resolve);
    });
    this.child = undefined;
    if (code !== 0 && said.trim() !== '' && !this.stopped)
      log.warn({ msg: 'models cannot be pulled', reason: said.trim() });
    return changed;
  }

  /** From now on, again and again. */
  start(): void {
    const { intervalMs, changed, sources } = this.options;
    if (intervalMs === 0 || sources.length === 0 || this.stopped) return;
    this.timer = setTimeout(() => {
      void this.pull()
        .then((any) => (any ? changed() : undefined))
        .finally(() => this.start());
    }, intervalMs);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.child?.kill('SIGTERM');
  }
}
