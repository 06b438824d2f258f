import { runtimeVersion } from '../../config/package-version';
import type { BuildInfo } from './samples';

/** @param version of the application, as it is configured */
export function buildInfo(version: string): BuildInfo {
  return { version, node: process.versions.node, onnxruntime: runtimeVersion };
}
