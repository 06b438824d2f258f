import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * The size of a model file and of the data files that are named after it (`model.onnx.data`,
 * `model.onnx_data`): about the memory that the weights of one session take. Those of another name are
 * not counted, as only the model itself knows of them.
 */
export async function modelBytes(modelFile: string): Promise<number> {
  const folder = dirname(modelFile);
  try {
    const names = await readdir(folder);
    const own = names.filter((name) => name.startsWith(basename(modelFile)));
    const stats = await Promise.all(own.map((name) => stat(join(folder, name))));
    return stats.reduce((sum, { size }) => sum + size, 0);
  } catch {
    return 0;
  }
}
