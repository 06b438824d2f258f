import { join } from 'node:path';
import { isUnchanged } from '../../../common/file-stamp';
import type { SessionOptions } from '../session-options';
import type { RuntimeSession } from '../runtime-session';
import { MODEL_FILE, type Prepared } from './prepared';
import { answerOf, runProbe } from './probe';

/** How a prepared model is opened: its graph is final, and another optimisation would be another model. */
export function preparedSession(options: SessionOptions, folder: string): SessionOptions {
  const { intraOpThreads, interOpThreads, executionProviders, int8, label } = options;
  const modelFile = join(folder, MODEL_FILE);
  return {
    modelFile,
    label,
    int8,
    intraOpThreads,
    interOpThreads,
    executionProviders,
    graphOptimization: 'disabled',
  };
}

/**
 * Opens the prepared form of a model, and sees that it answers what the model itself does: the runtime checks none of
 * it. Its files must be those whose digests were taken, before and after.
 * @param open loads what it is given, in this thread
 * @throws when anything is not as it should be; nothing stays open then
 */
export async function openPrepared(
  options: SessionOptions,
  { folder, stamp, proof }: Prepared,
  open: (options: SessionOptions) => Promise<RuntimeSession>,
): Promise<RuntimeSession> {
  const expectFiles = async (): Promise<void> => {
    if (!(await isUnchanged(stamp))) throw new Error('the files of its prepared form have changed');
  };
  await expectFiles();
  const session = await open(preparedSession(options, folder));
  try {
    const answer = answerOf(await runProbe(session, proof.probe));
    if (answer !== proof.answer) throw new Error('its prepared form answers otherwise than the model itself');
    await expectFiles();
    return session;
  } catch (error) {
    await session.release();
    throw error;
  }
}
