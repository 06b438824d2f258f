import { Inject, Injectable } from '@nestjs/common';
import { type InferenceConfig, inferenceConfig } from '../config/config.slices';
import type { ModelEntry } from '../models/loading/model-entry';
import { ModelsService } from '../models/models.service';
import type { LoadedModel } from '../models/loading/loaded-model';

/** Questions about a model that want it loaded. */
@Injectable()
export class ModelReader {
  constructor(
    private readonly models: ModelsService,
    @Inject(inferenceConfig.KEY) private readonly config: InferenceConfig,
  ) {}

  /**
   * What `look` says of the model, which is loaded first if need be and held while it looks.
   * @throws model_not_found, version_not_found, model_unavailable, deadline_exceeded
   */
  async withModel<T>(
    name: string,
    version: string | undefined,
    look: (model: ModelEntry, served: LoadedModel) => T,
  ): Promise<T> {
    const deadlineMs = performance.now() + this.config.deadlineMs;
    const served = await this.models.acquire(name, version, deadlineMs);
    try {
      return look(this.models.entry(served.name), served);
    } finally {
      this.models.release(served);
    }
  }
}
