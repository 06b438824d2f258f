import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { biasModel, identityModel } from '../helpers/onnx-models';
import { CHANGING } from './calls';

/** The files of the model that is deployed, damaged and mended. */
export class ChangingModel {
  version = 1;
  private readonly folder: string;

  constructor(private readonly dir: string) {
    this.folder = join(dir, CHANGING);
    this.write(1);
  }

  private get file(): string {
    return join(this.folder, String(this.version), 'model.onnx');
  }

  /** Deploys the next version, which adds one more. The one before it goes when the next comes. */
  deployNext(): void {
    const old = join(this.folder, String(this.version - 1));
    this.write(this.version + 1);
    rmSync(old, { recursive: true, force: true });
  }

  /** Writes over the file of the version that serves. Returns what mends it. */
  corrupt(): () => void {
    const whole = readFileSync(this.file);
    writeFileSync(this.file, whole.subarray(0, whole.length / 2));
    return () => replaceFile(this.file, whole);
  }

  /** Puts a model with other inputs in its place. */
  swapForIncompatible(): () => void {
    const whole = readFileSync(this.file);
    replaceFile(this.file, identityModel('INT64', ['N', 3]));
    return () => replaceFile(this.file, whole);
  }

  /** Takes the whole model away. */
  remove(): () => void {
    const aside = `${this.dir}-aside`;
    renameSync(this.folder, aside);
    return () => renameSync(aside, this.folder);
  }

  private write(version: number): void {
    const bias = new Float32Array([version, version]);
    mkdirSync(join(this.folder, String(version)), { recursive: true });
    this.version = version;
    replaceFile(this.file, biasModel(bias));
    const golden = { inputs: { x: [[1, 2]], y: [[0, 0]] }, outputs: { plus: [[1 + version, 2 + version]] } };
    writeFileSync(join(this.folder, 'model.yaml'), JSON.stringify({ golden: [golden] }));
  }
}

/** As a deployment should: nobody sees half of it. */
function replaceFile(file: string, bytes: Uint8Array): void {
  writeFileSync(`${file}.part`, bytes);
  renameSync(`${file}.part`, file);
}
