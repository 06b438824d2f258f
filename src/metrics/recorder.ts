import { ModelRecorder } from './model-recorder';
import { type Figures, MAX_MODELS, OTHER_MODELS, RESPONSE_CLASSES } from './snapshot';

/** What this process counts: for each model version in a place of its own, which is made when it is loaded. */
export class Recorder {
  /** For requests that end before their model is known: whatever name they came with is no label. */
  readonly noModel = new ModelRecorder('', '');
  private readonly models = new Map<string, ModelRecorder>();
  private readonly responses = new Float64Array(RESPONSE_CLASSES.length);
  private responded = false;

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

  /** Any HTTP answer, an inference's or not. */
  response(status: number): void {
    this.responses[((status / 100) | 0) - 1]!++;
    this.responded = true;
  }

  /** Was anything counted since `settle`? */
  get changed(): boolean {
    if (this.responded || this.noModel.touched) return true;
    for (const model of this.models.values()) if (model.touched) return true;
    return false;
  }

  settle(): void {
    this.responded = false;
    this.noModel.touched = false;
    for (const model of this.models.values()) model.touched = false;
  }

  snapshot(): Figures {
    const models = [this.noModel, ...this.models.values()].map((model) => model.snapshot());
    return { models, responses: [...this.responses] };
  }
}
