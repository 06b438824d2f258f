const { spawnSync } = require('node:child_process');
const { cpSync, existsSync, mkdirSync, statSync } = require('node:fs');
const { basename, join, resolve } = require('node:path');
const { fault, pairs } = require('./check-dockerfile.parser');

/** What a build step may know of the machine it runs on: how to find programs and the package registry. */
const HOST_VARIABLES =
  /^(PATH|HOME|LANG|TMPDIR|(https?|no)_proxy|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|npm_config_(registry|cafile|cache))$/i;

/**
 * Runs the stages of a Dockerfile, each in a folder of `workFolder` that stands in for the root of its image.
 * Resolves to the last stage: its root folder and what its configuration says.
 */
function rehearse(stages, context, workFolder, log) {
  const images = new Map();
  for (const stage of stages) {
    const image = newImage(join(workFolder, stage.name), images.get(stage.base));
    log(`stage ${stage.name} from ${stage.base}`);
    for (const step of stage.steps) perform(step, image, { images, context, log });
    images.set(stage.name, image);
  }
  return images.get(stages.at(-1).name);
}

function newImage(root, base) {
  mkdirSync(root, { recursive: true });
  if (base !== undefined) cpSync(base.root, root, { recursive: true, verbatimSymlinks: true });
  const { workdir = '/', env = {}, user } = base ?? {};
  return { root, workdir, env: { ...env }, user, labels: {}, ports: [] };
}

function perform(step, image, { images, context, log }) {
  switch (step.keyword) {
    case 'WORKDIR':
      image.workdir = resolve(image.workdir, step.text);
      mkdirSync(inside(image, '.'), { recursive: true });
      return;
    case 'COPY':
      return copy(step, image, images, context);
    case 'RUN':
      return run(step, image, log);
    case 'ENV':
      Object.assign(image.env, pairs(step));
      return;
    case 'LABEL':
      Object.assign(image.labels, pairs(step));
      return;
    case 'EXPOSE':
      image.ports.push(...step.args.map(Number));
      return;
    case 'USER':
      image.user = step.text;
      return;
    case 'STOPSIGNAL':
      image.stopSignal = step.text;
      return;
    case 'CMD':
      image.command = execForm(step.text, step);
      return;
    case 'HEALTHCHECK':
      image.healthcheck = { flags: step.flags, command: execForm(step.text.replace(/^CMD\s+/, ''), step) };
      return;
    default:
      throw fault(step.line, `${step.keyword} is not rehearsed`);
  }
}

/** A path of the image as a path of this machine. */
function inside(image, path) {
  return join(image.root, resolve(image.workdir, path));
}

function copy(step, image, images, context) {
  const sources = step.args.slice(0, -1);
  const destination = step.args.at(-1);
  const intoFolder = /(^|\/)\.?$/.test(destination);
  if (sources.length > 1 && !intoFolder)
    throw fault(step.line, 'several sources need a destination that ends in /');
  const from = step.flags.from === undefined ? undefined : images.get(step.flags.from);
  if (step.flags.from !== undefined && from === undefined)
    throw fault(step.line, `no stage ${step.flags.from}`);
  for (const source of sources) {
    const original =
      from === undefined ? join(context.project, source) : inside({ ...from, workdir: '/' }, source);
    if (!existsSync(original)) throw fault(step.line, `${source} does not exist`);
    // A folder's content goes into the destination, a file goes there under its own name.
    const isFolder = statSync(original).isDirectory();
    const target = join(inside(image, destination), intoFolder && !isFolder ? basename(source) : '');
    if (from === undefined) context.copy(source, target);
    else cpSync(original, target, { recursive: true, verbatimSymlinks: true });
  }
}

function run(step, image, log) {
  const title = `RUN ${step.text.replace(/ +/g, ' ')}`;
  if (/\bapt-get\b/.test(step.text)) {
    checkSystemPackages(step);
    log(`  form checked, not run: ${title}`);
    return;
  }
  if (/(^|[\s"'=])\//.test(step.text))
    throw fault(step.line, 'a command with absolute paths cannot be rehearsed');
  log(`  ${title}`);
  const host = Object.fromEntries(Object.entries(process.env).filter(([name]) => HOST_VARIABLES.test(name)));
  const { status, error } = spawnSync('sh', ['-ec', step.text], {
    cwd: inside(image, '.'),
    env: { ...host, ...image.env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw fault(step.line, `${title}: ${error?.message ?? `exit code ${status}`}`);
}

/** System packages would change this machine: their step is only read. */
function checkSystemPackages({ text, line }) {
  const wanted = [
    /apt-get update\s*&&/,
    /apt-get install (?=.*--yes\b)(?=.*--no-install-recommends\b)/,
    /&&\s*rm -rf \/var\/lib\/apt\/lists\/\*/,
  ];
  for (const pattern of wanted) {
    if (!pattern.test(text)) throw fault(line, `system packages: expected ${pattern}`);
  }
}

function execForm(text, { line, keyword }) {
  if (!text.startsWith('['))
    throw fault(line, `${keyword} needs the exec form: a shell would swallow signals`);
  return JSON.parse(text);
}

module.exports = { rehearse, inside };
