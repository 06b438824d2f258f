const path = require('node:path');
const { Child } = require('./child');
const { isThere } = require('./models');
const { Peer } = require('./peers');
const { MODELS, WORKS, requestBytes } = require('./works');

const RUNTIME = path.join(__dirname, '../servers/runtime.js');
const GENERATOR_CONNECTIONS = 32;

/** What the runtime takes for one row of each model, in one process and in two at the same time. */
async function measureRuntime({ windowMs, settleMs, works, openWorks }, modelDir) {
  const wanted = new Set([...works, ...openWorks].map((name) => WORKS.get(name).model));
  const models = MODELS.filter(({ model }) => isThere(modelDir, model)).filter(
    ({ model }) => wanted.size === 0 || wanted.has(model),
  );
  const processes = [new Child(RUNTIME), new Child(RUNTIME)];
  const results = [];
  try {
    for (const { model, inputs } of models) {
      const file = path.join(modelDir, `${model}.onnx`);
      const question = { file, inputs, settleMs, windowMs };
      for (const count of [1, 2]) {
        const parts = await Promise.all(processes.slice(0, count).map((child) => child.ask(question)));
        const runs = parts.reduce((sum, part) => sum + part.runs, 0);
        const cpuMs = parts.reduce((sum, part) => sum + part.cpuMs, 0);
        const perSecond = parts.reduce((sum, part) => sum + part.runs / part.seconds, 0);
        results.push({ model, processes: count, perSecond, cpuUs: (cpuMs / runs) * 1000 });
      }
    }
  } finally {
    await Promise.all(processes.map((child) => child.stop()));
  }
  return results;
}

/** What a request costs the load generator itself, and how many it can send, with a server that does nothing. */
async function measureGenerator(generator, { windowMs, settleMs, ...options }, workspace) {
  const request = requestBytes(WORKS.get('tiny'));
  const args = [String(request.length)];
  const peer = await Peer.start('null', { ...options, workspace: path.join(workspace, 'null'), args });
  try {
    const plan = { request, connections: GENERATOR_CONNECTIONS, windowMs, settleMs };
    const counts = await generator.run({ ...plan, port: peer.port, serverPids: peer.pids });
    const { ok, seconds, generatorCpuMs } = counts;
    return {
      perSecond: ok / seconds,
      cpuUs: (generatorCpuMs / ok) * 1000,
      p50Ms: counts.latencies.quantile(0.5),
    };
  } finally {
    await peer.stop();
  }
}

module.exports = { measureGenerator, measureRuntime };
