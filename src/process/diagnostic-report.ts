import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Report {
  environmentVariables?: unknown;
  /** Of the process's threads; each has its own copy of the environment. */
  workers?: Report[];
}

/**
 * Writes Node's diagnostic report of this process: stacks, memory, handles, limits. The environment is left
 * out, as it holds secrets.
 * @param folder left out: that of temporary files
 * @returns the file's path
 */
async function writeDiagnosticReport(folder = tmpdir()): Promise<string> {
  const report = process.report.getReport() as Report;
  leaveOutEnvironment(report);
  const file = join(folder, `report-${process.pid}-${new Date().toISOString().replaceAll(':', '')}.json`);
  await writeFile(file, JSON.stringify(report, null, 2), { mode: 0o640 });
  return file;
}

function leaveOutEnvironment(report: Report): void {
  delete report.environmentVariables;
  report.workers?.forEach(leaveOutEnvironment);
}

/** Writes a report on each SIGUSR2, and says where it is. */
export function reportOnSignal(
  folder: string | undefined,
  log: (fields: { readonly msg: string; readonly file?: string; readonly err?: unknown }) => void,
): void {
  process.on('SIGUSR2', () => {
    writeDiagnosticReport(folder).then(
      (file) => log({ msg: 'diagnostic report written', file }),
      (err: unknown) => log({ msg: 'no diagnostic report could be written', err }),
    );
  });
}
