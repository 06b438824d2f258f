const { TestEnvironment } = require('jest-environment-node');

/**
 * Jest gives each spec a realm with typed arrays of its own, and native code (ONNX Runtime, worker
 * messages) tells them apart from the host's. This environment hands the host's to the sandbox.
 */
module.exports = class HostArraysEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    const names = Object.getOwnPropertyNames(globalThis).filter(
      (name) => /Array$|^(Shared)?ArrayBuffer$/.test(name) && name !== 'Array',
    );
    for (const name of names) this.global[name] = globalThis[name];
  }
};
