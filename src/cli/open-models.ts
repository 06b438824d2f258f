import { Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigurationModule } from '../config/configuration.module';
import { InferenceModule } from '../inference/inference.module';
import { ModelsService } from '../models/models.service';
import { Nestor } from '../nestor';
import { embeddedSettings } from '../nestor-options';
import { IpcModule } from '../process/ipc/ipc.module';
import { MetricsModule } from '../telemetry/metrics/metrics.module';
import { TracingModule } from '../telemetry/tracing/tracing.module';

const DAY_MS = 86_400_000;

/** The engine alone: what only a server needs is not even loaded, which is half of a command's start. */
@Module({ imports: [IpcModule, MetricsModule, TracingModule, InferenceModule] })
class Engine {}

/**
 * The models of a folder, or of one file, in this process, without a word.
 * @param only the model that is loaded; left out: all are
 */
export async function openModels(modelDir: string, only?: string): Promise<Omit<Nestor, 'handler'>> {
  // A command says itself what went wrong.
  Logger.overrideLogger(false);
  const settings = embeddedSettings({
    modelDir,
    ...(only !== undefined && { modelNames: [only] }),
    maxResidentModels: 10_000,
    cacheEnabled: false,
    // Nobody but this command waits, and it does so as long as it takes.
    inferenceDeadlineMs: DAY_MS,
    maxTableRows: 1_000_000,
    runTimeoutMs: DAY_MS,
  });
  const engine = { module: Engine, imports: [ConfigurationModule.with(settings)] };
  const app = await NestFactory.createApplicationContext(engine, { logger: false, abortOnError: false });
  await app.get(ModelsService).join();
  return new Nestor(app, () => undefined, settings);
}
