const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');

/** Only Linux tells what a tree of processes has used; elsewhere these figures are left out. */
const HAS_PROC = process.platform === 'linux' && fs.existsSync('/proc/self/stat');
const TICKS_PER_SECOND = HAS_PROC ? ticksPerSecond() : NaN;

function ticksPerSecond() {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8', stdio: 'pipe' })) || 100;
  } catch {
    return 100;
  }
}

/** What follows the name in a process's or thread's stat file, from its state on; undefined when it is gone. */
function statOf(pid) {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** The process and all below it. */
function treeOf(root) {
  if (!HAS_PROC) return [root];
  const children = new Map();
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(statOf(entry)?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** CPU time in milliseconds of these processes and their children that have ended; NaN where it cannot be told. */
function cpuMs(pids) {
  if (!HAS_PROC) return NaN;
  let ticks = 0;
  for (const pid of pids) {
    const stat = statOf(pid);
    if (stat) ticks += Number(stat[11]) + Number(stat[12]) + Number(stat[13]) + Number(stat[14]);
  }
  return (ticks * 1000) / TICKS_PER_SECOND;
}

/**
 * CPU time in milliseconds of those threads of the processes that have a lower priority than usual, which in this
 * server are the session threads (THREAD_NICENESS); 0 where there are none.
 */
function nicedCpuMs(pids) {
  if (!HAS_PROC) return NaN;
  let ticks = 0;
  for (const pid of pids) {
    for (const tid of threadsOf(pid)) {
      const stat = statOf(`${pid}/task/${tid}`);
      if (stat && Number(stat[16]) > 0) ticks += Number(stat[11]) + Number(stat[12]);
    }
  }
  return (ticks * 1000) / TICKS_PER_SECOND;
}

function threadsOf(pid) {
  try {
    return fs.readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** CPU time in milliseconds of everything on the machine, since it was started. */
function machineCpuMs() {
  let busyMs = 0;
  for (const { times } of os.cpus()) busyMs += times.user + times.nice + times.sys + times.irq;
  return busyMs;
}

module.exports = { cpuMs, machineCpuMs, nicedCpuMs, treeOf };
