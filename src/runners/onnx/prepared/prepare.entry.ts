// The short-lived process that prepares one model: a crash, a leak or a kill concerns nobody else.
import { writeFileSync } from 'node:fs';
import { chmod, open, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256OfFile } from '../../../common/file-digest';
import { isUnchanged } from '../../../common/file-stamp';
import { openRuntime } from '../runtime';
import type { RuntimeSession } from '../runtime-session';
import { describeFailure } from '../runtime-failure';
import { MANIFEST_FILE, type Manifest, type ManifestFile } from './manifest';
import type { Order, Outcome, Wish } from './messages';
import { DATA_FILE, MODEL_FILE, type Proof } from './prepared';
import { preparedSession } from './open-prepared';
import { answerOf, isTelling, probes, runProbe } from './probe';

const OWNER_MAY_READ = 0o400;

async function prepare({ wish, partial, folder }: Order): Promise<void> {
  const { session, contents } = wish;
  const plain = await openRuntime({ ...session, saveTo: partial });
  let proof: Proof;
  let signature: string;
  try {
    proof = await prove(plain, wish);
    signature = signatureOf(plain);
  } finally {
    await plain.release();
  }
  // Also of a data file that was replaced while it was read.
  if (!(await isUnchanged(contents))) throw new Error('its files changed while it was prepared');
  await check(wish, partial, proof, signature);
  const manifest: Manifest = {
    label: wish.label,
    model: await settle(join(partial, MODEL_FILE)),
    data: await settle(join(partial, DATA_FILE)),
    proof,
  };
  await writeFile(join(partial, MANIFEST_FILE), JSON.stringify(manifest), { flag: 'wx' });
  await settle(join(partial, MANIFEST_FILE));
  await flush(partial);
  try {
    await rename(partial, folder);
  } catch (error) {
    // Another server was first, with the same content.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST' && code !== 'ENOTEMPTY') throw error;
  }
  await flush(dirname(folder));
}

/** The first probe that the model takes and whose answer, the same each time, says something. */
async function prove(plain: RuntimeSession, { example }: Wish): Promise<Proof> {
  let reason = 'no input is known that it takes';
  for (const probe of probes(plain.inputs, example && { example })) {
    try {
      const outputs = await runProbe(plain, probe);
      const answer = answerOf(outputs);
      if (!isTelling(outputs)) reason = 'its answers to made-up inputs say nothing';
      else if (answerOf(await runProbe(plain, probe)) !== answer)
        reason = 'its answers are not the same each time';
      else return { probe, answer };
    } catch {
      // The next one may fit.
    }
  }
  throw new Error(reason);
}

/** What was saved has to be what was loaded, to the bit. */
async function check({ session }: Wish, folder: string, proof: Proof, signature: string): Promise<void> {
  await stat(join(folder, DATA_FILE)).catch(() => {
    throw new Error('it has no weights that are worth sharing');
  });
  const copy = await openRuntime(preparedSession(session, folder));
  try {
    const same =
      signatureOf(copy) === signature && answerOf(await runProbe(copy, proof.probe)) === proof.answer;
    if (!same) throw new Error('its saved form does not answer the same');
  } finally {
    await copy.release();
  }
}

function signatureOf({ inputs, outputs }: RuntimeSession): string {
  return JSON.stringify([inputs, outputs]);
}

/** Lets nobody write the file any more, and has it on the disk: what is read of it then is what stays. */
async function settle(path: string): Promise<ManifestFile> {
  await chmod(path, OWNER_MAY_READ);
  await flush(path);
  return { bytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Where memory runs out, this process goes first. */
function volunteer(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // There is none, or it may not be written.
  }
}

function leave(outcome: Outcome): void {
  process.send?.(outcome, () => process.exit(0));
}

process.once('message', (order: Order) => {
  prepare(order).then(
    () => leave({ done: true }),
    (error: unknown) => leave({ done: false, reason: describeFailure(error, order.wish.session.modelFile) }),
  );
});
// Whoever wanted it is gone.
process.once('disconnect', () => process.exit(1));
volunteer();
