import { parseModelConfig as parse, type ModelConfig } from '../../src/models/repository/model-config';
import { ONNX } from '../../src/runners/onnx/onnx-kind';
import { REMOTE } from '../../src/runners/remote/remote-keys';

/** As the server puts them together. */
export const KINDS = [ONNX, REMOTE];

/** A `model.yaml` as the server reads it. */
export function parseModelConfig(yaml: string | undefined, model: string): ModelConfig {
  return parse(yaml, model, KINDS);
}
