import { createHash } from 'node:crypto';
import type { ModelConfig } from './model-config';

/** A model that comes and goes is asked for its digest several times each time. */
const last = new WeakMap<ModelConfig, { readonly content: string; readonly digest: string }>();

/**
 * Hex digest of a version's content and of all its settings, by which workers see that they serve the same. The
 * content's own digest is not enough: most settings change how a request is served and not what it is answered.
 */
export function versionDigest(contentDigest: string, config: ModelConfig): string {
  const before = last.get(config);
  if (before?.content === contentDigest) return before.digest;
  const digest = createHash('sha256')
    .update(JSON.stringify([contentDigest, config]))
    .digest('hex');
  last.set(config, { content: contentDigest, digest });
  return digest;
}
