/**
 * A process that sends load: it is told a plan, for which it opens its connections, and then to go; see
 * lib/generator.js.
 */
const { serve } = require('../lib/child');
const { ClosedLoop } = require('./closed-loop');
const { OpenLoop } = require('./open-loop');

let load;

serve(async (plan) => {
  if (plan === 'go') return load.run();
  load = plan.ratePerSecond === undefined ? new ClosedLoop(plan) : new OpenLoop(plan);
  await load.connect();
});
