import { type ModelConfig } from '../../src/models/repository/model-config';
/** As the server puts them together. */
export declare const KINDS: (import("../../src/runners/runner-kind").RunnerKeys<import("../../src/runners/onnx/onnx-kind").OnnxSettings> | import("../../src/runners/runner-kind").RunnerKeys<import("../../src/runners/remote/remote-config").RemoteModelConfig>)[];
/** A `model.yaml` as the server reads it. */
export declare function parseModelConfig(yaml: string | undefined, model: string): ModelConfig;
