/** Rooms in the order in which they may be imported: a room imports those before it, never one after it. */
const ROOMS = [
  'errors',
  'config',
  'logging',
  'link',
  'metrics',
  'access',
  'http',
  'tensors',
  'scheduling',
  '(sessions|remote)',
  'models',
  'cache',
  'inference',
  'open-inference',
  'health',
  'docs',
];

const upward = ROOMS.slice(0, -1).map((room, level) => ({
  name: `no-way-back-from-${room.replace(/\W/g, '')}`,
  comment: `src/${room} may import only the rooms before it: ${ROOMS.slice(0, level).join(', ') || 'none'}.`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: `^src/(${ROOMS.slice(level + 1).join('|')}|cluster)/|^src/[^/]+\\.ts$` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...upward,
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'runtime-in-sessions-alone',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/sessions/' },
      to: { path: 'onnxruntime-node' },
    },
    {
      name: 'primary-without-nest',
      comment: 'The primary supervises; it loads neither Nest nor ONNX Runtime.',
      severity: 'error',
      from: { path: '^src/cluster/' },
      to: { path: '@nestjs/core|@nestjs/platform-express|onnxruntime-node', reachable: true },
    },
    {
      name: 'sessions-and-remote-apart',
      severity: 'error',
      from: { path: '^src/(sessions|remote)/' },
      to: { path: '^src/(sessions|remote)/', pathNot: '^src/$1/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
};
