import cluster from 'node:cluster';

import './config/node-version';
import './config/compile-cache';
// ONNX Runtime reads this once, when it is loaded; nothing may be loaded before it is set.
import './config/telemetry-off';
import { ConfigurationError } from './config/configuration-error';
import { settings } from './config/settings';
import { checkStart } from './process/start-checks';

async function main(): Promise<void> {
  if (cluster.isPrimary) await checkStart(settings());
  if (cluster.isPrimary && settings().cluster.workers !== 0) {
    const { runPrimary } = await import('./cluster/primary.js');
    await runPrimary();
  } else {
    const { runWorker } = await import('./worker.js');
    await runWorker();
  }
}

main().catch((error: unknown) => {
  // A wrong setting is the user's to mend, and a stack trace would only hide which one.
  console.error(error instanceof ConfigurationError ? error.message : error);
  process.exit(1);
});
