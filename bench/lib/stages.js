const PREFIX = 'nestor_';

/** The server's own sums for one model, from the text of its /metrics; undefined when it has none. */
function readStages(text, model) {
  const sums = new Map();
  for (const line of text.split('\n')) {
    const [, name, labels, value] = /^(\w+)\{([^}]*)\} (\S+)/.exec(line) ?? [];
    if (!name?.startsWith(PREFIX) || !labels.split(',').includes(`model="${model}"`)) continue;
    if (/le="|outcome="(?!success)/.test(labels)) continue;
    const key = name.slice(PREFIX.length);
    sums.set(key, (sums.get(key) ?? 0) + Number(value));
  }
  return sums.has('encode_duration_seconds_count') ? sums : undefined;
}

/**
 * What a request took on average between two readings, in microseconds of the clock on the wall.
 * `run` is the request's share of its batch's run, `queue` its own waiting.
 */
function stagesBetween(before, after) {
  const since = (key) => (after.get(key) ?? 0) - (before.get(key) ?? 0);
  const requests = since('encode_duration_seconds_count');
  if (requests === 0) return undefined;
  const perRequestUs = (key) => (since(key) / requests) * 1e6;
  return {
    queueUs: perRequestUs('queue_duration_seconds_sum'),
    decodeUs: perRequestUs('decode_duration_seconds_sum'),
    runUs: perRequestUs('execution_seconds_total'),
    encodeUs: perRequestUs('encode_duration_seconds_sum'),
    batchRows: since('rows_total') / since('executions_total'),
  };
}

module.exports = { readStages, stagesBetween };
