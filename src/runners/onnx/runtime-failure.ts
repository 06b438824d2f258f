import { realpathSync } from 'node:fs';
import { basename, dirname, sep } from 'node:path';
import { reasonOf } from '../../errors/domain-error';

// "/src/onnxruntime/core/reshape_helper.h:91 onnxruntime::ReshapeHelper::ReshapeHelper(const TensorShape&, bool) "
const SOURCE_PLACE =
  /(?:\S*[/\\])?[\w.-]+\.(?:cc|h|cpp|hpp):\d+ (?:[^()\n]*::[\w~]+\([^()\n]*\)(?: const)?(?:::<lambda\([^)\n]*\)>)?(?: \[with [^\]\n]*\])? )?/g;

// `resolved path: "/somewhere/else/weights.bin"`
const NAMED_PATH = /((?:path|directory): ")[^"\n]*[/\\]/g;

/** What the runtime said, on one line, without the places in its sources and without where the model lies. */
export function describeFailure(error: unknown, modelFile: string): string {
  let text = reasonOf(error);
  for (const file of new Set([modelFile, realPathOf(modelFile)])) {
    text = text.replaceAll(file, basename(modelFile)).replaceAll(dirname(file) + sep, '');
    text = text.replaceAll(dirname(file), 'the model folder');
  }
  return text.replace(SOURCE_PLACE, '').replace(NAMED_PATH, '$1').replace(/\s+/g, ' ').trim();
}

function realPathOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
