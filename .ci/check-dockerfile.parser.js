/**
 * Just enough of the Dockerfile grammar for this project's file: stages, continued lines, comments, flags, the exec
 * form. What it does not know (here-documents, parser directives, variables in arguments) is an error, never a guess.
 * https://docs.docker.com/reference/dockerfile/
 */

/** The stages in order: `{name, base, steps: [{line, keyword, flags, text, args}]}`. */
function parseDockerfile(source) {
  const stages = [];
  for (const step of instructions(source)) {
    if (step.keyword === 'FROM') {
      const [base, as, name] = step.args;
      if (as !== undefined && as.toUpperCase() !== 'AS') throw fault(step.line, 'FROM <image> [AS <name>]');
      stages.push({ name: name ?? String(stages.length), base, steps: [] });
    } else if (stages.length === 0) {
      throw fault(step.line, 'the first instruction must be FROM');
    } else {
      stages.at(-1).steps.push(step);
    }
  }
  if (stages.length === 0) throw fault(1, 'no FROM');
  return stages;
}

function* instructions(source) {
  let text = '';
  let start = 0;
  const lines = source.split('\n');
  for (const [index, line] of lines.entries()) {
    if (/^\s*(#|$)/.test(line)) continue; // comments and empty lines may stand inside a continued instruction
    if (text === '') start = index + 1;
    const isContinued = line.trimEnd().endsWith('\\');
    text += isContinued ? line.trimEnd().slice(0, -1) : line;
    if (isContinued) continue;
    yield instruction(text, start);
    text = '';
  }
  if (text !== '') throw fault(start, 'the last line is continued by nothing');
}

function instruction(text, line) {
  const [, keyword, rest] = /^\s*([A-Za-z]+)\s+([^]*)$/.exec(text) ?? [];
  if (keyword === undefined) throw fault(line, `not an instruction: ${text}`);
  if (rest.includes('<<')) throw fault(line, 'here-documents are not rehearsed');
  const flags = {};
  let remainder = rest.trim();
  for (
    let flag;
    (flag = /^--([a-z-]+)=(\S+)\s+/.exec(remainder));
    remainder = remainder.slice(flag[0].length)
  ) {
    flags[flag[1]] = flag[2];
  }
  return { line, keyword: keyword.toUpperCase(), flags, text: remainder, args: words(remainder, line) };
}

/** The JSON of an exec form, else the words, in which quotes hold spaces together. */
function words(text, line) {
  if (text.startsWith('[')) {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw fault(line, `not a JSON array: ${error.message}`);
    }
  }
  return (text.match(/(?:"[^"]*"|[^\s"])+/g) ?? []).map((word) => word.replaceAll('"', ''));
}

/** `KEY=value` pairs of ENV, LABEL and ARG. */
function pairs({ args, line }) {
  return Object.fromEntries(
    args.map((word) => {
      const equals = word.indexOf('=');
      if (equals < 1 || word.includes('$'))
        throw fault(line, `expected KEY=value without variables: ${word}`);
      return [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );
}

function fault(line, reason) {
  return new Error(`Dockerfile:${line}: ${reason}`);
}

module.exports = { parseDockerfile, pairs, fault };
