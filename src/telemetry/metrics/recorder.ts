import { type CacheFigures, NO_CACHE } from './cache-figures';
import { ModelRecorder } from './model-recorder';
import { MAX_REMOTES, OTHER_REMOTES } from './remote-figures';
import { RemoteRecorder } from './remote-recorder';
import { type Figures, MAX_MODELS, OTHER_MODELS, RESPONSE_CLASSES } from './snapshot';

/** What this process counts: for each model version and each remote in a place of its own, which is made at load. */
export class Recorder {
  /** For requests that end before their model is known: whatever name they came with is no label. */
  readonly noModel = new ModelRecorder('', '');
  private readonly models = new Map<string, ModelRecorder>();
  private readonly remotes = new Map<string, RemoteRecorder>();
  private readonly responses = new Float64Array(RESPONSE_CLASSES.length);
  private responded = false;
  private cacheFigures = (): CacheFigures => NO_CACHE;

  /** The place of a version that exists; the same one each time it is loaded. Beyond a bound they share one. */
  model(model: string, version: string): ModelRecorder {
    const key = JSON.stringify([model, version]);
    let recorder = this.models.get(key);
    if (recorder === undefined) {
      if (this.models.size >= MAX_MODELS && model !== OTHER_MODELS) return this.model(OTHER_MODELS, '');
      recorder = new ModelRecorder(model, version);
      this.models.set(key, recorder);
    }
    return recorder;
  }

  /** The same of a remote of a model. @param remote its host and port */
  remote(model: string, remote: string): RemoteRecorder {
    const key = JSON.stringify([model, remote]);
    let recorder = this.remotes.get(key);
    if (recorder === undefined) {
      if (this.remotes.size >= MAX_REMOTES && remote !== OTHER_REMOTES)
        return this.remote(OTHER_REMOTES, OTHER_REMOTES);
      recorder = new RemoteRecorder(model, remote);
      this.remotes.set(key, recorder);
    }
    return recorder;
  }

  /** Any HTTP answer, an inference's or not. */
  response(status: number): void {
    this.responses[((status / 100) | 0) - 1]!++;
    this.responded = true;
  }

  /** Has the prediction cache asked for its figures whenever they are wanted: it counts by itself. */
  observeCache(figures: () => CacheFigures): void {
    this.cacheFigures = figures;
  }

  /** Was anything counted since `settle`? */
  get changed(): boolean {
    if (this.responded || this.noModel.touched) return true;
    for (const model of this.models.values()) if (model.touched) return true;
    for (const remote of this.remotes.values()) if (remote.touched) return true;
    return false;
  }

  settle(): void {
    this.responded = false;
    this.noModel.touched = false;
    for (const model of this.models.values()) model.touched = false;
    for (const remote of this.remotes.values()) remote.touched = false;
  }

  snapshot(): Figures {
    const models = [this.noModel, ...this.models.values()].map((model) => model.snapshot());
    const remotes = [...this.remotes.values()].map((remote) => remote.snapshot());
    return { models, remotes, cache: this.cacheFigures(), responses: [...this.responses] };
  }
}
