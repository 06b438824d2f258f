import type { Reader } from '../../config/yaml/readers';
import { isVersion } from './model-name';
import { isJsonObject, type JsonValue } from '../../config/yaml/json-value';

/** Which versions of a model serve. */
export type VersionPolicy =
  | { readonly kind: 'latest'; readonly count: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'specific'; readonly versions: readonly string[] };

/** The highest one. */
export const LATEST: VersionPolicy = Object.freeze({ kind: 'latest', count: 1 });

const MAX_VERSIONS = 64;

/** @param there the versions on disk, lowest first */
export function versionsToServe(policy: VersionPolicy, there: readonly string[]): string[] {
  switch (policy.kind) {
    case 'latest':
      return there.slice(-policy.count);
    case 'all':
      return [...there];
    case 'specific':
      return there.filter((version) => policy.versions.includes(version));
  }
}

/** `all`, `{latest: n}` or `{specific: [versions]}`. */
export const versionPolicy: Reader<VersionPolicy> = (value, fault) => {
  if (value === 'all') return { kind: 'all' };
  if (isJsonObject(value) && Object.keys(value).length === 1) {
    const { latest, specific } = value;
    if (typeof latest === 'number' && Number.isInteger(latest) && latest >= 1 && latest <= MAX_VERSIONS) {
      return { kind: 'latest', count: latest };
    }
    const versions = versionList(specific);
    if (versions !== undefined) return { kind: 'specific', versions };
  }
  return fault(`must be all, {latest: 1 to ${MAX_VERSIONS}} or {specific: [versions]}`);
};

function versionList(value: JsonValue | undefined): string[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_VERSIONS) return undefined;
  const versions = value.map(String);
  return versions.every(isVersion) ? versions : undefined;
}
