import { readFile } from 'node:fs/promises';
import type { Proof } from './prepared';

export const MANIFEST_FILE = 'manifest.json';
const MAX_MANIFEST_BYTES = 2 ** 20;

export interface ManifestFile {
  readonly bytes: number;
  /** Hex digits. */
  readonly sha256: string;
}

/** What a prepared model's folder says of itself. */
export interface Manifest {
  /** For people. */
  readonly label: string;
  readonly model: ManifestFile;
  readonly data: ManifestFile;
  readonly proof: Proof;
}

/** @throws when it cannot be read, or is no manifest */
export async function readManifest(path: string): Promise<Manifest> {
  const text = await readFile(path, 'utf8');
  if (text.length > MAX_MANIFEST_BYTES) throw new Error('its manifest is too long');
  const manifest = JSON.parse(text) as Partial<Manifest> | null;
  const { model, data, proof } = manifest ?? {};
  const whole = isFile(model) && isFile(data) && typeof proof?.answer === 'string' && isProbe(proof.probe);
  if (!whole) throw new Error('its manifest is not whole');
  return manifest as Manifest;
}

function isFile(file: Partial<ManifestFile> | undefined): boolean {
  return typeof file?.bytes === 'number' && typeof file.sha256 === 'string';
}

function isProbe(probe: unknown): boolean {
  return typeof probe === 'object' && probe !== null && ('example' in probe || 'style' in probe);
}
