import { Logger } from '@nestjs/common';
import { createNestor, type Nestor } from '../nestor';

const DAY_MS = 86_400_000;

/**
 * The models of a folder, or of one file, in this process, without a word.
 * @param only the model that is loaded; left out: all are
 */
export function openModels(modelDir: string, only?: string): Promise<Nestor> {
  // A command says itself what went wrong.
  Logger.overrideLogger(false);
  return createNestor({
    modelDir,
    ...(only !== undefined && { modelNames: [only] }),
    maxResidentModels: 10_000,
    cacheEnabled: false,
    // Nobody but this command waits, and it does so as long as it takes.
    inferenceDeadlineMs: DAY_MS,
    maxTableRows: 1_000_000,
    runTimeoutMs: DAY_MS,
  });
}
