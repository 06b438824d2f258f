import { PassingSet } from '../../common/passing';
import type { FileStamp } from '../../common/file-stamp';
import type { DomainError } from '../../errors/domain-error';
import type { Tensor } from '../../tensors/tensor';
import type { RequestInputs } from '../runner';
import type { SessionSignature } from './session-messages';
import type { SessionOptions } from './session-options';
import { openAlone, SessionThread, type ThreadOptions, type ThreadSession } from './session-thread';

/** Whoever waits so long for what a thread does is moved to another one. */
const HOLDS_UP_MS = 100;
/** Unless it is not the model but the machine that is slow: for most of that time the thread had no CPU. */
const BUSY_SHARE = 0.5;
/** However that may be, nobody waits longer. */
const LONGEST_WAIT_MS = 2000;
/** A model that takes longer to load has a thread of its own the next time. */
const SLOW_LOAD_MS = 20;
/** What the runtime leaves behind of the sessions that a thread has had goes with the thread. */
const RENEW_AFTER_SESSIONS = 5000;
/** Models that are known to be slow, by their files. */
const MAX_SLOW = 1000;
/** How often it is looked how much memory the process has. */
const LOOK_AT_MEMORY_MS = 1000;

/** Are a model's files still those that were loaded? */
export type Unchanged = () => Promise<boolean>;

export interface SharedThreadsOptions extends ThreadOptions {
  /** Memory that the process may gain before what sessions keep of large runs is given back. */
  readonly growthBytes: number;
  /** Of the process. */
  readonly memoryBytes?: () => number;
  readonly renewAfter?: number;
}

/** One of the threads, and who lives there. */
interface Place {
  readonly thread: SessionThread;
  readonly sessions: PassingSet<SharedSession>;
  /** Sessions that are on their way there. */
  loading: number;
  /** Sessions that it has had. */
  had: number;
  /** Looks after what waits for it. */
  watch: NodeJS.Timeout | undefined;
  /** Its sessions move to others, and it ends with the last of them. */
  givenUp: boolean;
}

/**
 * A few threads on which many small models live: as many as may run at a time, as a thread of its own would cost a
 * small model far more than all the rest. What isolation gives still holds: who waits for a model that takes long is
 * moved to another thread, and that model to one of its own.
 */
export class SharedThreads {
  private places: Place[] = [];
  private readonly slow = new Set<string>();
  private readonly renewAfter: number;
  private readonly memoryBytes: () => number;
  /** The least that the process has had since sessions were last opened anew for its sake. */
  private leastBytes = Infinity;
  private lookedAtMs = -Infinity;
  private renewing = false;

  constructor(
    private readonly size: number,
    private readonly options: SharedThreadsOptions,
  ) {
    this.renewAfter = options.renewAfter ?? RENEW_AFTER_SESSIONS;
    this.memoryBytes = options.memoryBytes ?? (() => process.memoryUsage.rss());
  }

  /** Was it seen to hold up others? Then it needs a thread of its own. */
  isSlow(modelFile: string): boolean {
    return this.slow.has(modelFile);
  }

  /** @throws what `SessionThread.open` throws */
  async open(options: SessionOptions, unchanged: Unchanged, stamp?: FileStamp): Promise<SharedSession> {
    const place = this.choose();
    place.loading++;
    try {
      const session = await this.openAt(place, options, stamp);
      return new SharedSession(session, place, unchanged, this);
    } finally {
      place.loading--;
      this.endIfEmpty(place);
    }
  }

  private async openAt(place: Place, options: SessionOptions, stamp?: FileStamp): Promise<ThreadSession> {
    const isFirst = place.had++ === 0;
    const opening = place.thread.open(options, this.options.timeoutMs, { stamp });
    this.lookAfter(place);
    const session = await opening;
    // With the first one the runtime is loaded, too.
    if (session.loadMs > SLOW_LOAD_MS && !isFirst) this.remember(options.modelFile);
    return session;
  }

  /** The thread with the fewest sessions; a new one while there are fewer than may be. */
  private choose(): Place {
    this.places = this.places.filter(({ thread }) => !thread.ends);
    const [first, ...others] = this.places;
    if (first === undefined) return this.start();
    const least = others.reduce((best, place) => (sizeOf(place) < sizeOf(best) ? place : best), first);
    if (this.places.length < this.size && sizeOf(least) > 0) return this.start();
    if (least.had < this.renewAfter) return least;
    void this.giveUp(least);
    return this.choose();
  }

  private start(): Place {
    const thread = new SessionThread(this.options);
    const place: Place = {
      thread,
      sessions: new PassingSet(),
      loading: 0,
      had: 0,
      watch: undefined,
      givenUp: false,
    };
    this.places.push(place);
    return place;
  }

  /** Sees to it that what waits for a thread does not wait long. */
  lookAfter(place: Place): void {
    const { thread } = place;
    const { task } = thread;
    if (task === undefined || place.watch !== undefined || place.givenUp) return;
    const startMs = performance.now();
    const wasThere = thread.started;
    const startCpuMs = thread.cpuMs ?? -Infinity;
    const look = (): void => {
      place.watch = undefined;
      if (!thread.awaited) return;
      // A thread takes a while to start, and no longer on the next one.
      if (thread.task !== task || !wasThere) return this.lookAfter(place);
      const busyMs = (thread.cpuMs ?? Infinity) - startCpuMs;
      const isSlow = busyMs >= HOLDS_UP_MS * BUSY_SHARE || performance.now() - startMs >= LONGEST_WAIT_MS;
      if (isSlow) void this.giveUp(place, task.session);
      else place.watch = setTimeout(look, HOLDS_UP_MS).unref();
    };
    place.watch = setTimeout(look, HOLDS_UP_MS).unref();
  }

  /**
   * What a session has taken for a large run it keeps for the next, and gives back with itself alone: where the process has
   * gained too much, all of them move to new threads. Looked for with each run.
   */
  lookAtMemory(): void {
    const nowMs = performance.now();
    if (nowMs - this.lookedAtMs < LOOK_AT_MEMORY_MS || this.renewing) return;
    this.lookedAtMs = nowMs;
    const bytes = this.memory();
    if (bytes === undefined) return;
    this.leastBytes = Math.min(this.leastBytes, bytes);
    if (bytes - this.leastBytes > this.options.growthBytes) void this.renewAll();
  }

  /** A look takes a descriptor: where the process has none left, there may be one at the next look. */
  private memory(): number | undefined {
    try {
      return this.memoryBytes();
    } catch {
      return undefined;
    }
  }

  private async renewAll(): Promise<void> {
    this.renewing = true;
    for (const place of [...this.places]) await this.giveUp(place);
    // What is left is others'.
    this.leastBytes = this.memory() ?? Infinity;
    this.renewing = false;
  }

  endIfEmpty({ thread, sessions, loading, givenUp }: Place): void {
    if (givenUp && loading === 0 && sessions.size === 0) void thread.end();
  }

  /**
   * Moves a thread's sessions to others, those first that wait; one after the other, so that no request waits for
   * more than one load. What cannot be moved stays.
   */
  private async giveUp(place: Place, culprit?: ThreadSession): Promise<void> {
    if (place.givenUp) return;
    place.givenUp = true;
    this.places = this.places.filter((one) => one !== place);
    if (culprit !== undefined) this.remember(culprit.options.modelFile);
    const sessions = [...place.sessions].sort(
      (a, b) => Number(b.session.running) - Number(a.session.running),
    );
    const slow = sessions.filter(({ session }) => session === culprit);
    for (const shared of sessions) if (!slow.includes(shared)) await this.move(shared, this.choose());
    for (const shared of slow) await this.move(shared, undefined);
    this.endIfEmpty(place);
  }

  /** @param to undefined: a thread of its own */
  private async move(shared: SharedSession, to: Place | undefined): Promise<void> {
    const { options } = shared.session;
    if (to) to.loading++;
    try {
      const session = await (to ? this.openAt(to, options) : openAlone(options, this.options));
      if (!shared.closing && (await shared.unchanged())) shared.moveTo(session, to);
      else void session.close();
    } catch {
      // It stays where it is, as it was.
    } finally {
      if (to) to.loading--;
      if (to) this.endIfEmpty(to);
    }
  }

  private remember(modelFile: string): void {
    if (this.slow.size >= MAX_SLOW) this.slow.clear();
    this.slow.add(modelFile);
  }
}

function sizeOf({ sessions, loading }: Place): number {
  return sessions.size + loading;
}

/** A session that lives with others, and may be moved from one thread to another meanwhile. */
export class SharedSession {
  readonly signature: SessionSignature;
  /** Resolves when it is gone: to the reason, or to undefined when it was closed. */
  readonly ended: Promise<DomainError | undefined>;
  closing = false;
  private onEnded: (death: DomainError | undefined) => void;

  constructor(
    public session: ThreadSession,
    private place: Place | undefined,
    readonly unchanged: Unchanged,
    private readonly threads: Pick<SharedThreads, 'lookAfter' | 'lookAtMemory' | 'endIfEmpty'>,
  ) {
    this.signature = session.signature;
    this.ended = new Promise((resolve) => (this.onEnded = resolve));
    this.place?.sessions.add(this);
    this.follow(session);
  }

  /** See `ThreadSession.run`. */
  run(batch: readonly RequestInputs[]): Promise<Tensor[]> {
    const { place, session } = this;
    const waits = !session.thread.idle;
    const run = session.run(batch);
    if (waits && place !== undefined) this.threads.lookAfter(place);
    this.threads.lookAtMemory();
    return run;
  }

  /** Waits for a run in progress, then gives the session back. May be called again. */
  close(): Promise<void> {
    this.closing = true;
    return this.session.close();
  }

  /** From here on it is another session of the same model; what waits for its turn goes along. */
  moveTo(session: ThreadSession, place: Place | undefined): void {
    const before = this.session;
    this.place?.sessions.delete(this);
    place?.sessions.add(this);
    this.place = place;
    this.session = session;
    this.follow(session);
    before.handOver(session);
    void before.close();
  }

  private follow(session: ThreadSession): void {
    void session.ended.then((death) => {
      if (session !== this.session) return;
      this.place?.sessions.delete(this);
      if (this.place) this.threads.endIfEmpty(this.place);
      this.onEnded(death);
    });
  }
}
