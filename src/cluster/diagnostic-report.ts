import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Writes Node's diagnostic report of this process into a folder: stacks, memory, handles, limits. The
 * environment is left out, as it holds secrets.
 * @returns the file's path
 */
export async function writeDiagnosticReport(folder: string): Promise<string> {
  const report = process.report.getReport() as Record<string, unknown>;
  delete report.environmentVariables;
  const file = join(folder, `report-${process.pid}-${new Date().toISOString().replaceAll(':', '')}.json`);
  await writeFile(file, JSON.stringify(report, null, 2), { mode: 0o640 });
  return file;
}
