const { join } = require('node:path');

// Specs that start ONNX Runtime in their own process must not report to its maker either.
process.env.ORT_DISABLE_TELEMETRY ??= '1';
// Hundreds of servers are started from the same files: on a Node that can keep what it has compiled, they share it.
process.env.NODE_COMPILE_CACHE ??= join(__dirname, 'node_modules', '.cache', 'nestor-compiled');

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/test/helpers/host-arrays-environment.js',
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testRegex: '\\.spec\\.ts$',
  transform: {
    '^.+\\.ts$': 'ts-jest',
    '/site/ui/.+\\.js$': '<rootDir>/test/helpers/es-module-transform.js',
    '/node_modules/(jose|@opentelemetry/otlp-exporter-base)/.+\\.js$':
      '<rootDir>/test/helpers/es-module-transform.js',
  },
  transformIgnorePatterns: ['/node_modules/(?!jose/|@opentelemetry/otlp-exporter-base/)'],
  // That a machine is slow is no fault of what is tested; what hangs is ended all the same.
  testTimeout: 180_000,
  // Real servers on two cores: more than two specs at a time only wait for each other.
  maxWorkers: 2,
};
