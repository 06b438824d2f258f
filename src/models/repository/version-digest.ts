import { createHash } from 'node:crypto';
import type { ModelConfig } from './model-config';

/**
 * Hex digest of a version's content and of all its settings, by which workers see that they serve the same. The
 * content's own digest is not enough: most settings change how a request is served and not what it is answered.
 */
export function versionDigest(contentDigest: string, config: ModelConfig): string {
  return createHash('sha256')
    .update(JSON.stringify([contentDigest, config]))
    .digest('hex');
}
