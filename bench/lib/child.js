const { fork } = require('node:child_process');

/**
 * A process of the benchmark's own that answers one question at a time.
 * Questions and answers may hold buffers and typed arrays.
 */
class Child {
  constructor(script, { env = process.env, args = [] } = {}) {
    this.process = fork(script, args, { serialization: 'advanced', env });
    this.gone = new Promise((resolve) => this.process.once('exit', resolve));
  }

  get pid() {
    return this.process.pid;
  }

  ask(question) {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error('a process of the benchmark has ended'));
      this.process.once('exit', onExit);
      this.process.once('message', ({ answer, error }) => {
        this.process.off('exit', onExit);
        if (error === undefined) resolve(answer);
        else reject(new Error(error));
      });
      this.process.send(question);
    });
  }

  async stop() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await this.gone;
  }
}

/** The other side: answers every question by `handle`, and ends with the process that asked. */
function serve(handle) {
  process.on('message', async (question) => {
    try {
      process.send({ answer: await handle(question) });
    } catch (error) {
      process.send({ error: error.stack });
    }
  });
  process.on('disconnect', () => process.exit());
}

module.exports = { Child, serve };
