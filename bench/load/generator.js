/** A process that sends load as it is told; see lib/generator.js. */
const { serve } = require('../lib/child');
const { closedLoop } = require('./closed-loop');
const { openLoop } = require('./open-loop');

serve((plan) => (plan.ratePerSecond === undefined ? closedLoop(plan) : openLoop(plan)));
