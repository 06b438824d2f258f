// Specs that start ONNX Runtime in their own process must not report to its maker either.
process.env.ORT_DISABLE_TELEMETRY ??= '1';

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
  testTimeout: 30_000,
  // Real servers on two cores: more than two specs at a time only wait for each other.
  maxWorkers: 2,
};
