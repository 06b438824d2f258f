import type { TestModel } from './onnx-models';
/** An empty folder, which goes when the tests around this call are over. */
export declare function temporaryFolder(name?: string): string;
/** Puts a model into a model folder: flat, or in a folder of its own where a version is given. */
export declare function writeModel(folder: string, name: string, given: Uint8Array | TestModel, { version, yaml }?: {
    version?: string;
    yaml?: string;
}): void;
