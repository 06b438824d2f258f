export { ConfigurationError } from './config/configuration-error';
export { DomainError, type ErrorCode } from './errors/domain-error';
export type { InferOptions, LocalAnswer, LocalTensor } from './inference/local-call';
export { createNestor, type Model, Nestor, type NestorOptions } from './nestor';
export {
  InjectModel,
  NestorModule,
  type NestorModuleAsyncOptions,
  type NestorModuleOptions,
} from './nestor.module';
