import { Logger } from '@nestjs/common';
import { createNestor, type Nestor } from '../nestor';

const DAY_MS = 86_400_000;

/** The models of a folder, or of one file, in this process: all are loaded, and without a word. */
export function openModels(modelDir: string): Promise<Nestor> {
  // A command says itself what went wrong.
  Logger.overrideLogger(false);
  return createNestor({
    modelDir,
    maxResidentModels: 10_000,
    cacheEnabled: false,
    // Nobody but this command waits, and it does so as long as it takes.
    inferenceDeadlineMs: DAY_MS,
    runTimeoutMs: DAY_MS,
  });
}
