const { readFileSync } = require('node:fs');

/**
 * Megabytes of these processes, in which a page that several of them share counts once: the sum of their proportional
 * set sizes. Linux only.
 */
function pssMb(pids) {
  return sumMb(pids, 'smaps_rollup', 'Pss');
}

/** What each of them shows, shared pages and all. */
function residentMb(pids) {
  return sumMb(pids, 'status', 'VmRSS');
}

/** What is in no file: heaps, stacks, and what was written to. */
function ownMb(pids) {
  return sumMb(pids, 'status', 'RssAnon');
}

function sumMb(pids, file, name) {
  return pids.reduce((sum, pid) => sum + fieldOf(pid, file, name), 0) / 1024;
}

function threadsOf(pid) {
  return fieldOf(pid, 'status', 'Threads');
}

function fieldOf(pid, file, name) {
  try {
    const text = readFileSync(`/proc/${pid}/${file}`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  } catch {
    // It has ended in between.
    return 0;
  }
}

module.exports = { ownMb, pssMb, residentMb, threadsOf };
