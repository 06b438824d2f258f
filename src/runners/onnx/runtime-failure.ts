import { realpathSync } from 'node:fs';
import { basename, dirname, sep } from 'node:path';
import { reasonOf } from '../../errors/domain-error';

// "/src/onnxruntime/core/reshape_helper.h:91 onnxruntime::ReshapeHelper::ReshapeHelper(const TensorShape&, bool) "
const SOURCE_LINE = /\.(?:cc|h|cpp|hpp):\d+ /g;
const FUNCTION =
  /(?:[^()\n]*::[\w~]+\([^()\n]*\)(?: const)?(?:::<lambda\([^)\n]*\)>)?(?: \[with [^\]\n]*\])? )?/y;
/** Longer than any function's name in the runtime. */
const FUNCTION_CHARACTERS = 1000;
const MOST_CHARACTERS = 16_384;

// `resolved path: "/somewhere/else/weights.bin"`
const NAMED_PATH = /((?:path|directory): ")[^"\n]*[/\\]/g;

/** What the runtime said, on one line, without the places in its sources and without where the model lies. */
export function describeFailure(error: unknown, modelFile: string): string {
  let text = reasonOf(error).slice(0, MOST_CHARACTERS);
  for (const file of new Set([modelFile, realPathOf(modelFile)])) {
    text = text.replaceAll(file, basename(modelFile)).replaceAll(dirname(file) + sep, '');
    text = text.replaceAll(dirname(file), 'the model folder');
  }
  return withoutSources(text).replace(NAMED_PATH, '$1').replace(/\s+/g, ' ').trim();
}

/** Each character is looked at a few times, however many places there are. */
function withoutSources(text: string): string {
  let kept = '';
  let from = 0;
  for (const match of text.matchAll(SOURCE_LINE)) {
    if (match.index < from) continue;
    let file = match.index;
    while (file > from && text[file - 1]!.trim() !== '') file--;
    const behind = match.index + match[0].length;
    FUNCTION.lastIndex = 0;
    const named = FUNCTION.exec(text.slice(behind, behind + FUNCTION_CHARACTERS));
    kept += text.slice(from, file);
    from = behind + (named?.[0].length ?? 0);
  }
  return kept + text.slice(from);
}

function realPathOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
