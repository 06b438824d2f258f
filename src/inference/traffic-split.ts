import { createHash } from 'node:crypto';
import type { LoadedModel } from '../models/loading/loaded-model';
import type { ModelsService } from '../models/models.service';
import type { InferenceCall } from './inference-call';

/** 2^32, beyond the largest number of four bytes. */
const RANGE = 2 ** 32;

/**
 * The version that a call which names none goes to, by the `traffic` of its model. One that does not serve yet is loaded
 * meanwhile, and nobody waits for it; one that cannot be served gets no calls.
 * @param model the default version, held; whoever is handed another one holds that in its place
 */
export function split(
  models: ModelsService,
  model: LoadedModel,
  call: Pick<InferenceCall<unknown>, 'attribute'>,
): LoadedModel {
  const version = chosen(model, call);
  if (version === undefined || version === model.version) return model;
  const other = models.acquireServing(model.name, version);
  if (other === undefined) return model;
  models.release(model);
  return other;
}

function chosen(
  { name, config }: LoadedModel,
  call: Pick<InferenceCall<unknown>, 'attribute'>,
): string | undefined {
  const { shares, by } = config.traffic!;
  const said = by === undefined ? undefined : call.attribute?.(by);
  let place = said === undefined ? Math.random() : placeOf(name, said);
  for (const { version, share } of shares) {
    if (place < share) return version;
    place -= share;
  }
  return undefined;
}

/** From 0 to 1, the same on every worker and server, and another one for each model. */
function placeOf(model: string, said: string): number {
  return createHash('sha256').update(model).update('\0').update(said).digest().readUInt32BE() / RANGE;
}
