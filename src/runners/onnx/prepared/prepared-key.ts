import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runtimeVersion } from '../../../config/package-version';
import type { Wish } from './messages';

/** Counts what is changed in the files of a prepared model, or in how they are made. */
const FORM = 1;
/** Lines of /proc/cpuinfo by which kernels are chosen, on x86 and on ARM. */
const CPU_LINES =
  /^(flags|Features|vendor_id|cpu family|model|CPU (implementer|architecture|variant|part))\s*:\s*(.*)$/gm;

/** Everything of this machine and its runtime that decides how weights are laid out. */
export type Traits = readonly unknown[];

/**
 * @param cpuinfo the text of /proc/cpuinfo
 * @returns undefined where the machine does not say what its CPU can do: a layout for another CPU loads, and answers
 * wrong numbers without an error
 */
export function machineTraits(cpuinfo: string | undefined = readCpuinfo()): Traits | undefined {
  const cpu = cpuTraits(cpuinfo ?? '');
  const runtime = runtimeFiles();
  if (cpu.length === 0 || runtime.length === 0) return undefined;
  return [FORM, process.platform, process.arch, runtimeVersion, runtime, cpu];
}

/** Names a model's prepared form: equal where it may be used, different wherever it may not. 64 hex digits. */
export function preparedKey(traits: Traits, { digest, session }: Pick<Wish, 'digest' | 'session'>): string {
  const { graphOptimization, intraOpThreads, interOpThreads } = session;
  const content = [traits, digest, graphOptimization, intraOpThreads, interOpThreads];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

/** Of all cores, as big and small ones may differ; the order of flags says nothing. */
function cpuTraits(cpuinfo: string): string[] {
  const lines = [...cpuinfo.matchAll(CPU_LINES)].map(
    ([, name = '', , value = '']) => `${name}: ${value.trim().split(/\s+/).sort().join(' ')}`,
  );
  return lines.some((line) => /^(flags|Features)/.test(line)) ? [...new Set(lines)].sort() : [];
}

/** The runtime's libraries by name and size: a build of one's own has the same version. */
function runtimeFiles(): string[] {
  try {
    const root = require.resolve('onnxruntime-node/package.json');
    const folder = join(root, '..', 'bin', 'napi-v6', process.platform, process.arch);
    return readdirSync(folder)
      .sort()
      .map((name) => `${name}: ${statSync(join(folder, name)).size}`);
  } catch {
    return [];
  }
}

function readCpuinfo(): string | undefined {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return undefined;
  }
}
