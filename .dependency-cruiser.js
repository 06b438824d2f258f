/**
 * The wings of the house, from the ground up: a wing imports those before it, never one after it. Inside a wing the
 * rooms run one way, too.
 */
const WINGS = {
  ground: ['errors', 'common', 'config', 'tensors', 'process', 'telemetry'],
  engine: ['runners', 'processing', 'scheduling', 'models', 'cache', 'inference'],
  fronts: ['http', 'access', 'health', 'protocols', 'admin'],
  host: ['cluster', 'cli'],
};

/** What each room may import of its own wing; of the wings before it, everything. */
const WITHIN = {
  errors: [],
  common: ['errors'],
  config: ['errors', 'common'],
  tensors: ['errors', 'common', 'config'],
  process: ['errors', 'common', 'config'],
  telemetry: ['errors', 'common', 'config', 'process'],
  runners: [],
  processing: [],
  scheduling: ['runners'],
  models: ['runners', 'processing', 'scheduling'],
  cache: ['runners', 'scheduling'],
  inference: ['runners', 'processing', 'scheduling', 'models', 'cache'],
  http: [],
  access: ['http'],
  health: ['http', 'access'],
  protocols: ['http', 'access', 'health'],
  admin: ['http', 'access', 'health', 'protocols'],
  cluster: [],
  cli: ['cluster'],
};

/** Where parts are put together. */
const MODULE_FILES = '\\.module\\.ts$';
const START = '^src/[^/]+\\.ts$';

const wings = Object.keys(WINGS);
const wingOf = (room) => wings.findIndex((wing) => WINGS[wing].includes(room));
const below = (rooms) => `^src/(${rooms.join('|')})/`;

const rooms = Object.keys(WITHIN).map((room) => {
  const wing = wingOf(room);
  const before = wings.slice(0, wing).flatMap((name) => WINGS[name]);
  const allowed = [room, ...before, ...WITHIN[room]];
  return {
    name: `${room}-knows-its-place`,
    comment: `src/${room} may import only ${allowed.slice(1).join(', ') || 'nothing of the house'}.`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { path: '^src/[^/]+/', pathNot: below(allowed) },
  };
});

const never = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

const forbidden = [
  ...rooms,
  { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  never(
    'http-without-engine',
    'The server and its fast path know no model.',
    { path: '^src/http/' },
    { path: below(WINGS.engine) },
  ),
  never(
    'models-without-a-kind',
    'A kind of runner brings its keys and its way to open; only module files put them together.',
    { path: '^src/(models|scheduling|inference|cache)/', pathNot: MODULE_FILES },
    { path: '^src/runners/[^/]+/' },
  ),
  never(
    'kinds-apart',
    'One kind of runner knows nothing of another.',
    { path: '^src/runners/([^/]+)/' },
    { path: '^src/runners/[^/]+/', pathNot: '^src/runners/$1/' },
  ),
  never(
    'repository-before-loading',
    'models: repository (disk) < loading (a version, warm and leased) < rollout (all workers or none).',
    { path: '^src/models/repository/' },
    { path: '^src/models/(?!repository/)' },
  ),
  never(
    'loading-before-rollout',
    'models: repository (disk) < loading (a version, warm and leased) < rollout (all workers or none).',
    { path: '^src/models/loading/' },
    { path: '^src/models/(?!repository/|loading/)' },
  ),
  never(
    'runtime-in-its-room-alone',
    'The rest works with runners, whatever runs behind them.',
    { path: '^src/', pathNot: '^src/runners/onnx/' },
    { path: 'onnxruntime-node' },
  ),
  never(
    'primary-without-nest',
    'The primary supervises; it loads neither Nest, Express nor ONNX Runtime.',
    { path: '^src/cluster/' },
    { path: '@nestjs/core|@nestjs/platform-express|node_modules/express|onnxruntime-node', reachable: true },
  ),
  never(
    'primary-without-codecs',
    'No tensor passes through the primary.',
    { path: '^src/cluster/' },
    { path: '^src/tensors/(json|numbers)/', reachable: true },
  ),
  never(
    'only-start-imports-start',
    'What starts the application concerns nobody else but the command that starts it.',
    { path: '^src/[^/]+/', pathNot: '^src/cli/' },
    { path: START },
  ),
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.spec\\.ts$|/testing/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
};
