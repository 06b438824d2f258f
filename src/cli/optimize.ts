import { type Command, EXIT, type Output } from './command';
import { type Asked, readAsked } from './optimize/asked';
import { textOf } from './optimize/report';

export const optimize: Command = {
  summary: 'make a faster version of a model, and prove that it answers the same',
  help: `Usage: nestor optimize <model> [--int8] [--samples <file>] [options]

Writes version n+1 beside the one that is there, with report.json and report.html, if what it makes of the model proves
itself: accuracy against the original, rows that leave each other alone to the bit, speed in turns with the original, on
this CPU. Else it writes nothing. <model> is a file, a model's folder, a folder of models (with --model), or a name in
MODEL_DIR.

Without --int8 the model is rewritten into what computes the same in less time. With it, products of matrices run in
eight bits, with a scale for each row of its own; convolutions too, with scales found by --samples. What loses too much
stays as it is.

Options:
  --int8                 eight bits where the model allows it
  --samples <file>       .ndjson of requests as \`nestor run\` takes them: 250 rows or more, at least 16
  --size-only            weights in 16 bits: half the file, neither faster nor slower
  --min-accuracy <cos>   the mean cosine that int8 has to reach; 0.995 unless it is given
  --require <limits>     such as "speed>=1.3 cos>=0.995": all must hold, in place of the usual ones of the same figures
                         (speed speed1 speed8 cos cosmin maxrel top1 sure1 nn spearman size)
  --form <form>          exact, row, static or half, whatever the model looks like
  --version <number>     the version to optimise; the highest unless it is given
  --model <name>         which one of a folder
  --max-seconds <number> for the search of what stays as it is; 120 unless it is given
  --json                 the report for a program

Exit code 0: written; 1: nothing was, and why; 2: asked wrongly; 130: interrupted, and nothing is left.

Examples:
  nestor optimize models --model sentences
  nestor optimize sentences --int8 --samples texts.ndjson
  nestor optimize photos --int8 --samples photos.ndjson --require "speed>=1.5 cos>=0.99"
  nestor optimize model.onnx --size-only --json | jq .proof.accuracy`,

  async run(args, output) {
    const asked = readAsked(args);
    const stop = new AbortController();
    const interrupt = (): void => stop.abort(new Error('interrupted'));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
    try {
      return await optimised(asked, output, stop.signal);
    } catch (error) {
      if (!stop.signal.aborted) throw error;
      output.error('nestor: interrupted; nothing of it is left');
      return EXIT.interrupted;
    } finally {
      progress('');
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
    }
  },
};

async function optimised(asked: Asked, output: Output, stop: AbortSignal): Promise<number> {
  const { optimizeModel } = await import('./optimize/optimize-model.js');
  const report = await optimizeModel(asked, stop, progress);
  progress('');
  if (asked.json) output.out(JSON.stringify(report));
  else for (const line of textOf(report)) output.out(line);
  if (report.version !== null) return EXIT.done;
  output.error('nestor: nothing was written');
  return EXIT.failed;
}

/** On a terminal alone: one line that changes. */
function progress(words: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${words}`);
}
