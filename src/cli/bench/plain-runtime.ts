import '../../config/telemetry-off';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { JsonObject } from '../../config/yaml/json-value';
import { openRuntime } from '../../runners/onnx/runtime';
import { endsInCollections } from '../../runners/onnx/collections';
import { inspectModel } from '../../models/repository/onnx-file/external-data';
import { namedInputsOf } from '../../tensors/json/named-inputs';
import { type Figures, figuresOf } from './figures';

const WARM_UP_MS = 300;

/** What the process beside is asked for, in one JSON argument. */
interface PlainRun {
  readonly modelFile: string;
  readonly inputs: JsonObject;
  readonly seconds: number;
}

/**
 * The runtime alone, in a process of its own: one run after the other, with as many threads as there are cores, as a
 * script would have it.
 * @throws Error with what it said
 */
export async function runPlain(run: PlainRun, signal: AbortSignal): Promise<Figures> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, [__filename], { stdio: ['pipe', 'pipe', 'pipe'] });
  const kill = (): boolean => child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  let said = '';
  let failed = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (failed += chunk.toString()));
  child.stdin.on('error', () => undefined).end(JSON.stringify(run));
  const [code] = (await once(child, 'close')) as [number | null];
  signal.removeEventListener('abort', kill);
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`the plain runtime failed: ${failed.trim().slice(-500)}`);
  return JSON.parse(said) as Figures;
}

async function measure({ modelFile, inputs, seconds }: PlainRun): Promise<Figures> {
  const { lastOperators } = await inspectModel(modelFile);
  const session = await openRuntime({
    modelFile,
    cutCollections: endsInCollections(lastOperators),
    intraOpThreads: availableParallelism(),
    interOpThreads: 1,
    graphOptimization: 'all',
    executionProviders: ['cpu'],
  });
  const tensors = namedInputsOf(inputs, session.inputs);
  const beginMs = performance.now() + WARM_UP_MS;
  const endMs = beginMs + seconds * 1000;
  const latenciesMs: number[] = [];
  let lastMs = performance.now();
  while (lastMs < endMs) {
    await session.run(tensors);
    const nowMs = performance.now();
    if (nowMs >= beginMs) latenciesMs.push(nowMs - lastMs);
    lastMs = nowMs;
  }
  await session.release();
  return figuresOf(latenciesMs, seconds);
}

async function main(): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const figures = await measure(JSON.parse(Buffer.concat(chunks).toString()) as PlainRun);
  process.stdout.write(JSON.stringify(figures));
}

if (require.main === module) void main();
