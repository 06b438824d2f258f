// Preloaded into a command: it is killed before, or right behind, its n-th rename, as KILL_AT says: `before 1`.
const files = require('node:fs/promises');

const [when, number] = process.env.KILL_AT.split(' ');
const { rename } = files;
let renames = 0;
const end = () => {
  process.kill(process.pid, 'SIGKILL');
  // Nothing more of it happens.
  return new Promise(() => {});
};
files.rename = async (...paths) => {
  const isLast = ++renames === Number(number);
  if (isLast && when === 'before') return end();
  await rename.apply(files, paths);
  return isLast ? end() : undefined;
};
