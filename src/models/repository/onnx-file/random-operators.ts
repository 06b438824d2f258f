import type { Graph, GraphNode, ModelGraph } from './model-graph';

/** Operators whose answers are drawn by lot, also where they are given a seed: the first run uses it up. */
const RANDOM: ReadonlySet<string> = new Set([
  'Bernoulli',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  // The runtime's own, of com.microsoft.
  'Sampling',
]);

/** They draw by lot while they train. https://onnx.ai/onnx/operators/onnx__Dropout.html */
const DROPOUTS: ReadonlySet<string> = new Set([
  'Dropout',
  'BiasDropout',
  'BitmaskDropout',
  'BitmaskBiasDropout',
]);

/** Since these versions an input, respectively an attribute, says whether a Dropout or a BatchNormalization trains. */
const INPUT_SAYS = 12;
const NEVER_TRAINS = 7;
const ATTRIBUTE_SAYS = 14;

/**
 * Why the same request may get another answer the next time: an operator that draws by lot, or one in training mode,
 * which draws or goes on learning from what it is sent. Undefined where there is none.
 */
export function randomReason({ graph, opset }: ModelGraph): string | undefined {
  return inGraph(graph, opset, []);
}

function inGraph(graph: Graph, opset: number, around: readonly Graph[]): string | undefined {
  const scopes = [graph, ...around];
  for (const node of graph.nodes) {
    if (RANDOM.has(node.operator)) return `its operator ${node.operator} is random`;
    if (trains(node, opset, scopes)) return `its operator ${node.operator} is in training mode`;
    for (const { graphs } of node.attributes.values()) {
      for (const graph of graphs) {
        const reason = inGraph(graph, opset, scopes);
        if (reason !== undefined) return reason;
      }
    }
  }
  return undefined;
}

function trains(node: GraphNode, opset: number, scopes: readonly Graph[]): boolean {
  const { operator, domain, attributes, outputs } = node;
  if (DROPOUTS.has(operator)) {
    if (domain === '' && opset < NEVER_TRAINS) return attributes.get('is_test')?.integer !== 1;
    if (domain === '' && opset < INPUT_SAYS) return false;
    return mayBeTrue(
      node.inputs[operator === 'BiasDropout' || operator === 'BitmaskBiasDropout' ? 4 : 2],
      scopes,
    );
  }
  if (operator !== 'BatchNormalization' || domain !== '') return false;
  if (opset >= ATTRIBUTE_SAYS) return attributes.get('training_mode')?.integer === 1;
  if (opset < NEVER_TRAINS) return attributes.get('is_test')?.integer !== 1;
  // In between, whoever asked for the means that it learned had it learn.
  return outputs.slice(1).some((name) => name !== '');
}

/** Left out it is false; what is no constant may be anything. */
function mayBeTrue(name: string | undefined, scopes: readonly Graph[]): boolean {
  if (name === undefined || name === '') return false;
  for (const { constants, nodes, inputs } of scopes) {
    const node = nodes.find(({ outputs }) => outputs.includes(name));
    const constant =
      constants.get(name) ??
      (node?.operator === 'Constant' ? node.attributes.get('value')?.constant : undefined);
    // A constant that is also an input is only its default.
    if (constant !== undefined && !inputs.some((input) => input.name === name))
      return constant.integers?.[0] !== 0;
    if (node !== undefined) return true;
  }
  return true;
}
