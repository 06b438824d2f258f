import type { Figures } from './figures';
import { CALLERS, MODELS, REMOTES, type Scope, type ScopeName, SERVER } from './layout';
import { FAMILIES } from './metric-families';
import { ModelRecorder } from './model-recorder';
import { Tally } from './tally';

const RESPONSES = Object.values(FAMILIES.httpResponses.at);

/** What this process counts: of itself, and of each model version and each remote, whose tallies are made at load. */
export class Recorder {
  readonly server = new Tally(SERVER, []);
  /** For requests that end before their model is known: whatever name they came with is no label. */
  readonly noModel = new ModelRecorder('', '');
  private readonly models = new Map<string, ModelRecorder>();
  private readonly remotes = new Map<string, Tally<'remotes'>>();
  private readonly callers = new Map<string, Tally<'callers'>>();
  private readonly tellers: (() => void)[] = [];
  /** The models that ought to serve here and do not. */
  unavailable = (): readonly string[] => [];

  /** The tally of a version that exists; the same one each time it is loaded. Beyond a bound they share one. */
  model(model: string, version: string): ModelRecorder {
    return tallyOf(
      this.models,
      MODELS,
      [model, version] as const,
      ([name, of]) => new ModelRecorder(name, of),
    );
  }

  /** The same of a remote of a model. @param remote its host and port */
  remote(model: string, remote: string): Tally<'remotes'> {
    return tallyOf(this.remotes, REMOTES, [model, remote], (labels) => new Tally(REMOTES, labels));
  }

  /** The same of a caller by its name. */
  caller(name: string): Tally<'callers'> {
    return tallyOf(this.callers, CALLERS, [name], (labels) => new Tally(CALLERS, labels));
  }

  /** Any HTTP answer, an inference's or not. */
  response(status: number): void {
    this.server.add(RESPONSES[((status / 100) | 0) - 1]!);
  }

  /** Before figures are read, `tell` sets those of what counts by itself. */
  beforeSnapshot(tell: (server: Tally<'server'>) => void): void {
    this.tellers.push(() => tell(this.server));
  }

  /** Was anything counted since `settle`? */
  get changed(): boolean {
    for (const tally of this.all()) if (tally.touched) return true;
    return false;
  }

  settle(): void {
    for (const tally of this.all()) tally.touched = false;
  }

  snapshot(): Figures {
    for (const tell of this.tellers) tell();
    return {
      server: [this.server.snapshot()],
      models: [this.noModel, ...this.models.values()].map((model) => model.snapshot()),
      remotes: [...this.remotes.values()].map((remote) => remote.snapshot()),
      callers: [...this.callers.values()].map((caller) => caller.snapshot()),
    };
  }

  private *all(): Iterable<{ touched: boolean }> {
    yield this.server;
    yield this.noModel;
    yield* this.models.values();
    yield* this.remotes.values();
    yield* this.callers.values();
  }
}

function tallyOf<T, Labels extends readonly string[]>(
  tallies: Map<string, T>,
  scope: Scope<ScopeName>,
  labels: Labels,
  make: (labels: Labels) => T,
): T {
  const key = JSON.stringify(labels);
  let tally = tallies.get(key);
  if (tally === undefined) {
    const isFull = tallies.size >= scope.most && labels[0] !== scope.rest[0];
    if (isFull) return tallyOf(tallies, scope, scope.rest as Labels, make);
    tally = make(labels);
    tallies.set(key, tally);
  }
  return tally;
}
