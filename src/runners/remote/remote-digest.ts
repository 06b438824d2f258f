import { createHash } from 'node:crypto';
import type { RemoteModelConfig } from './remote-config';
import type { Signature } from './v2/v2-metadata';

const FORM = 'nestor-remote-1';

/**
 * SHA-256, as 64 hex digits, over what decides a remote model's answers as far as can be known from here: where and
 * how it is asked, and what it takes and gives. That the remote has another model in the same place does not show.
 */
export function remoteDigest(
  urls: readonly URL[],
  { protocol, headers, request, response }: RemoteModelConfig,
  { inputs, outputs }: Signature,
): string {
  const content = [FORM, urls.map(({ href }) => href), protocol, headers, request, response, inputs, outputs];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
