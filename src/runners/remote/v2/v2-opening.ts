import { EventLogger } from '../../../telemetry/logging/event-logger';
import { DomainError, reasonOf } from '../../../errors/domain-error';
import { type RemoteCodec, v2Codec } from '../remote-codec';
import type { RemoteModelConfig } from '../remote-config';
import { RemoteFault } from '../remote-fault';
import type { RemoteQuestions } from '../remote-questions';
import type { Signature } from './v2-metadata';
import type { V2Place } from './v2-place';

const logger = new EventLogger('Remote');
const BINARY_EXTENSION = 'binary_tensor_data';
const NEVER = new AbortController().signal;

/** What a model takes and gives, and how it is spoken to. */
export interface Opening {
  readonly signature: Signature;
  readonly codec: RemoteCodec;
}

/**
 * Asks the first of the remotes that answers for what `model.yaml` does not declare.
 * @throws DomainError `model_unavailable` with each one's reason when none does
 */
export async function openV2(
  questions: RemoteQuestions,
  places: readonly V2Place[],
  config: Pick<RemoteModelConfig, 'protocol' | 'inputs' | 'outputs'>,
): Promise<Opening> {
  const reasons: string[] = [];
  for (const [i, place] of places.entries()) {
    try {
      const signature = await signatureOf(questions, place, config);
      return { signature, codec: v2Codec(signature, await speaksBinary(questions, place, config)) };
    } catch (error) {
      // Clients see this, and are not to see hosts.
      reasons.push(`URL ${i + 1}: ${reasonOf(error)}`);
      logger.warn({ msg: 'remote cannot be used', remote: place.infer.host, reason: reasonOf(error) });
    }
  }
  throw new DomainError('model_unavailable', `none of its remotes can be used: ${reasons.join(' ')}`);
}

async function signatureOf(
  questions: RemoteQuestions,
  { model }: V2Place,
  { inputs, outputs }: Partial<Pick<RemoteModelConfig, 'inputs' | 'outputs'>>,
): Promise<Signature> {
  if (inputs !== undefined && outputs !== undefined) return { inputs, outputs };
  const read = await questions.signature(model, NEVER);
  return { inputs: inputs ?? read.inputs, outputs: outputs ?? read.outputs };
}

async function speaksBinary(
  questions: RemoteQuestions,
  { server }: V2Place,
  { protocol }: Pick<RemoteModelConfig, 'protocol'>,
): Promise<boolean> {
  if (protocol !== 'v2') return protocol === 'v2-binary';
  try {
    return (await questions.extensions(server, NEVER)).includes(BINARY_EXTENSION);
  } catch (error) {
    // A gateway may let through the models' paths alone; JSON is what every server speaks.
    if (error instanceof RemoteFault && (error.kind === 'missing' || error.kind === 'refused')) return false;
    throw error;
  }
}
