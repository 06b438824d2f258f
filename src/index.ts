export { ConfigurationError } from './config/configuration-error';
export { DomainError, type ErrorCode, ERRORS } from './errors/domain-error';
export type { InferOptions, LocalAnswer } from './inference/local-call';
export type { LocalTensor } from './inference/local-values';
export { createNestor, type Model, Nestor, type NestorOptions } from './nestor';
export {
  InjectModel,
  NestorModule,
  type NestorModuleAsyncOptions,
  type NestorModuleOptions,
} from './nestor.module';
