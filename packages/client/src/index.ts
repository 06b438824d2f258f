export {
  Nestor,
  type Answer,
  type CallOptions,
  type DeclaredOptions,
  type ModelTypes,
  type NestorOptions,
} from './nestor.js';
export { NestorError } from './nestor-error.js';
export { type Datatype, Tensor, type TensorData } from './tensor.js';
