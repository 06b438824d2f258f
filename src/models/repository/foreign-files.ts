import { extname } from 'node:path';

const FROM_PYTHON_OBJECT =
  'a pickled Python object, which this server does not load: export it with skl2onnx.to_onnx (scikit-learn) or onnxmltools (LightGBM, XGBoost)';
const FROM_TORCH = 'a PyTorch file: export the model with torch.onnx.export';
const FROM_KERAS = 'a Keras or TensorFlow file: convert it with tf2onnx (python -m tf2onnx.convert)';

/** Endings of models of other kinds, what such a file is, and how its model becomes one for this server. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['.pkl', FROM_PYTHON_OBJECT],
  ['.pickle', FROM_PYTHON_OBJECT],
  ['.joblib', FROM_PYTHON_OBJECT],
  ['.pt', FROM_TORCH],
  ['.pth', FROM_TORCH],
  ['.ckpt', FROM_TORCH],
  [
    '.safetensors',
    'weights without a graph: export the model with optimum (optimum-cli export onnx) or torch.onnx.export',
  ],
  ['.gguf', 'a file for llama.cpp, of which there is no way to ONNX: export the model that it was made from'],
  ['.h5', FROM_KERAS],
  ['.keras', FROM_KERAS],
  ['.pb', FROM_KERAS],
  ['.tflite', 'a TensorFlow Lite file: convert it with tf2onnx (python -m tf2onnx.convert --tflite)'],
  [
    '.ort',
    "in ONNX Runtime's own format, for builds without the other: take the .onnx that it was made from",
  ],
  ['.pmml', 'a PMML file: export the model from where it was trained with skl2onnx or onnxmltools'],
  ['.mlmodel', 'a Core ML file: export the model from where it was trained to ONNX'],
]);

/** What a file is that people take for a model, and what is to be done; undefined for one that nobody does. */
export function foreignModel(file: string): string | undefined {
  const kind = KINDS.get(extname(file).toLowerCase());
  return kind && `${file} is ${kind}`;
}

/** The same of the first such file. */
export function foreignAmong(files: readonly string[]): string | undefined {
  for (const file of files) {
    const foreign = foreignModel(file);
    if (foreign !== undefined) return foreign;
  }
  return undefined;
}
