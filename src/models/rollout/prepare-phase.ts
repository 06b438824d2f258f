import { DomainError } from '../../errors/domain-error';
import type { Reply } from '../../process/ipc/messages';
import { PREPARE, type Prepare, type Prepared, type VersionUsage } from './messages';

/** How many of the workers load at once beside what serves: requests need the cores, too. */
const RELOADING_SHARE = 0.5;
/** A worker says itself when its time is over, and more clearly: it is given this much longer to do so. */
const ANSWER_MS = 5_000;
/** The smallest share is one worker. */
const ONE = 0;

export interface PreparePhaseOptions {
  /**
   * Puts a question to every worker that has joined, but for those in `except`.
   * @param share of them that are asked, at least one; all, unless it is given
   */
  askAll<Value>(
    topic: string,
    payload: unknown,
    timeoutMs: number,
    except?: ReadonlySet<number>,
    share?: number,
  ): Promise<Reply<Value>[]>;
  readonly loadTimeoutMs: number;
}

/**
 * The first phase of a change: workers load beside what serves. One goes first, alone, as a model may end the process
 * that loads it; the others follow, so many at once as requests can bear.
 */
export class PreparePhase {
  private readonly asked = new Set<number>();
  private readonly replies: Reply<Prepared>[] = [];

  /** What each of them says of what it uses, where it does. */
  get usages(): ReadonlyMap<number, readonly VersionUsage[]> {
    const usages = new Map<number, readonly VersionUsage[]>();
    for (const reply of this.replies)
      if (reply.ok && reply.value.usage !== undefined) usages.set(reply.worker, reply.value.usage);
    return usages;
  }

  /** @param asker the worker that hands the outcome on, which is not the one to go first where there are others */
  constructor(
    private readonly wanted: Prepare,
    private readonly asker: number | undefined,
    private readonly options: PreparePhaseOptions,
  ) {}

  /** Did a worker die while it loaded? */
  get deadly(): boolean {
    return this.replies.some((reply) => !reply.ok && reply.gone === 'died');
  }

  /**
   * Has every worker load that has not yet, those included that join meanwhile.
   * @throws model_unavailable and others with the reason by worker, as soon as one has failed
   */
  async reachAll(): Promise<Prepared> {
    for (;;) {
      const more = await this.next();
      if (more.length === 0) break;
      for (const reply of more) this.asked.add(reply.worker);
      // Whoever leaves has no say any more.
      this.replies.push(...more.filter((reply) => reply.ok || reply.gone !== 'left'));
      const fault = faultOf(this.wanted, this.replies);
      if (fault !== undefined) throw fault;
    }
    const [first] = this.replies;
    if (first?.ok) return first.value;
    throw new DomainError('not_ready', 'No worker is ready yet.', { retryAfterSeconds: 1 });
  }

  private async next(): Promise<Reply<Prepared>[]> {
    // What all have loaded before ends no process.
    if (this.wanted.atOnce !== undefined) return this.ask(this.asked, 1);
    if (this.replies.length > 0) return this.ask(this.asked, this.wanted.replace ? RELOADING_SHARE : 1);
    const others = this.asker === undefined ? [] : await this.ask(new Set([...this.asked, this.asker]), ONE);
    return others.length > 0 ? others : this.ask(this.asked, ONE);
  }

  private ask(except: ReadonlySet<number>, share: number): Promise<Reply<Prepared>[]> {
    const timeoutMs = this.options.loadTimeoutMs + ANSWER_MS;
    const [first] = this.replies;
    // What the first one has seen of a small model, the others need not try.
    const wanted = first?.ok ? { ...this.wanted, proofs: first.value.proofs } : this.wanted;
    return this.options.askAll<Prepared>(PREPARE, wanted, timeoutMs, except, share);
  }
}

/** Why a change cannot be made, in the words of the workers; undefined when it can. */
function faultOf({ model, atOnce }: Prepare, replies: readonly Reply<Prepared>[]): DomainError | undefined {
  const failed = replies.flatMap((reply) => (reply.ok ? [] : [reply]));
  const [first] = failed;
  if (first !== undefined) {
    const alike = failed.length === replies.length && failed.every(({ reason }) => reason === first.reason);
    const details = failed.map(
      ({ worker, reason, gone }) =>
        `worker ${worker}: ${gone === 'died' ? 'it died while it loaded: ' : ''}${reason}`,
    );
    return new DomainError(
      first.gone === 'died' ? 'model_unavailable' : first.code,
      alike && first.gone === undefined
        ? first.reason
        : `Model "${model}" stays as it is: ${details.join('; ')}`,
      { details },
    );
  }
  const contents = new Set(
    replies.map((reply) => (reply.ok ? contentOf(reply.value, atOnce !== undefined) : '')),
  );
  if (contents.size <= 1) return undefined;
  return new DomainError(
    'model_unavailable',
    `The files of model "${model}" changed while they were loaded.`,
  );
}

/** @param served may each worker have taken its latest version for the one that requests get which name none? */
function contentOf({ versions, latest }: Prepared, served: boolean): string {
  return JSON.stringify([versions.map(({ version, digest }) => [version, digest]), served && latest]);
}
