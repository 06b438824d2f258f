import { onnx } from 'onnx-proto';
import { datatypeOf } from './tensor-proto';

/** Operators that only ONNX Runtime's training build has. */
const TRAINING_DOMAIN = 'ai.onnx.preview.training';

/**
 * The operators that changed in opset 7, the oldest that ONNX Runtime vouches for
 * (https://onnxruntime.ai/docs/reference/compatibility.html): it has none of their older forms.
 */
const OPSET_7 = new Set(
  `Add And AveragePool BatchNormalization Div Dropout Equal GRU Gemm Greater LSTM Less Mul Or PRelu Pow RNN Sub
  Upsample Xor`.split(/\s+/),
);

/**
 * Why the server has to refuse a model, or undefined where it has to run it. docs/open-inference.md lists these
 * reasons; what else does not run is a fault.
 */
export function lackOf({ graph, opsetImport }: onnx.ModelProto): string | undefined {
  if (opsetImport.some(({ domain }) => domain === TRAINING_DOMAIN)) return 'operators of training';
  const opset = Number(opsetImport.find(({ domain }) => !domain)?.version ?? 1);
  const old = opset < 7 && graph?.node?.find(({ opType }) => OPSET_7.has(opType ?? ''));
  if (old) return `${old.opType} of opset ${opset}`;
  for (const { name, type } of [...(graph?.input ?? []), ...(graph?.output ?? [])]) {
    const elementType = type?.tensorType?.elemType;
    if (elementType === undefined || elementType === null) return `"${name}", which is no tensor`;
    if (datatypeOf(elementType) === undefined) {
      return `"${name}", whose datatype is ${onnx.TensorProto.DataType[elementType] ?? elementType}`;
    }
  }
  return undefined;
}
