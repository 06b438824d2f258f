import type { SessionOptions } from '../../src/runners/onnx/session-options';
import { type ThreadOptions, type ThreadSession } from '../../src/runners/onnx/session-thread';
import type { Datatype, TensorData } from '../../src/tensors/datatype';
import type { Tensor } from '../../src/tensors/tensor';
export declare const TIMEOUT_MS = 20000;
/** Where this spec's models lie; its threads are closed after each test, the folder goes at the end. */
export declare const folder: string;
export declare function optionsFor(modelFile: string, changes?: Partial<SessionOptions>): SessionOptions;
/** The model's file, in a folder of its own. */
export declare function saved(model: Uint8Array): string;
export declare function open(model: Uint8Array | string, changes?: Partial<SessionOptions>, thread?: Partial<ThreadOptions>): Promise<ThreadSession>;
export declare function tensor(name: string, datatype: Datatype, shape: number[], data: TensorData): Tensor;
/** FP32, counting up from `start`. */
export declare function floats(shape: number[], start?: number, name?: string): Tensor;
/** Matches an error of this code whose message has this text in it. */
export declare function refusal(code: string, message: string): object;
