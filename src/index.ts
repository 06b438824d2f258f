export { ConfigurationError } from './config/configuration-error';
export { DomainError, type ErrorCode, ERRORS } from './errors/domain-error';
export type { InferOptions, LocalAnswer } from './inference/local-call';
export type { LocalTensor } from './inference/local-values';
export { createNestor } from './create-nestor';
export { type Model, Nestor } from './nestor';
export type { NestorOptions } from './nestor-options';
export {
  InjectModel,
  NestorModule,
  type NestorModuleAsyncOptions,
  type NestorModuleOptions,
} from './nestor.module';
