import type { Graph, GraphAttribute, GraphNode } from './model-graph';
import { MalformedMessage } from './protobuf-cursor';

/** A function that a model's file brings along: nodes that one node stands for. */
export interface GraphFunction {
  /** By what nodes call it: see `calledBy`. */
  readonly called: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly GraphNode[];
  /** Attributes that a call may leave out. */
  readonly defaults: ReadonlyMap<string, GraphAttribute>;
}

/** The runtime refuses functions that call themselves; this one does not follow them either. */
const MAX_CALLS_DEEP = 100;

/** What tells functions apart. */
export function calledBy({
  domain,
  operator,
  overload = '',
}: Pick<GraphNode, 'domain' | 'operator' | 'overload'>): string {
  return `${domain}:${operator}:${overload}`;
}

/** Puts the nodes of functions where they are called, so that a graph shows all that it does. */
export class FunctionCalls {
  private readonly functions: ReadonlyMap<string, GraphFunction>;
  private nodes = 0;
  private calls = 0;

  constructor(
    functions: readonly GraphFunction[],
    private readonly maxNodes: number,
  ) {
    this.functions = new Map(functions.map((one) => [one.called, one]));
  }

  /** @throws MalformedMessage where the nodes become too many, or calls lie within calls without end */
  inlined(graph: Graph, depth = 0): Graph {
    if (this.functions.size === 0) return graph;
    return { ...graph, nodes: graph.nodes.flatMap((node) => this.nodesFor(node, depth)) };
  }

  private nodesFor(node: GraphNode, depth: number): GraphNode[] {
    if (++this.nodes > this.maxNodes)
      throw new MalformedMessage(`with its functions it has more than ${this.maxNodes} operators`);
    const called = this.functions.get(calledBy(node));
    if (called === undefined) return [withGraphs(node, (graph) => this.inlined(graph, depth))];
    if (depth === MAX_CALLS_DEEP) throw new MalformedMessage('its functions call each other too deeply');
    return this.bodyFor(node, called).flatMap((inner) => this.nodesFor(inner, depth + 1));
  }

  /** The nodes of a function with the names and attributes of a call; what is the function's alone gets names of its own. */
  private bodyFor(call: GraphNode, called: GraphFunction): GraphNode[] {
    const own = `${++this.calls}\0`;
    const names = new Map([['', '']]);
    const handedOn: GraphNode[] = [];
    called.inputs.forEach((name, i) => names.set(name, call.inputs[i] ?? ''));
    called.outputs.forEach((name, i) => {
      const output = call.outputs[i] ?? '';
      if (output === '') return;
      const known = names.get(name);
      if (known === undefined) names.set(name, output);
      else handedOn.push(handOn(known, output));
    });
    const rename = (name: string): string => names.get(name) ?? own + name;
    const renamed = (node: GraphNode): GraphNode => ({
      ...withGraphs({ ...node, attributes: given(node.attributes, call, called) }, (graph) => ({
        nodes: graph.nodes.map(renamed),
        inputs: graph.inputs.map((input) => ({ ...input, name: rename(input.name) })),
        outputs: graph.outputs.map(rename),
        constants: new Map([...graph.constants].map(([name, constant]) => [rename(name), constant])),
      })),
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    });
    return [...called.nodes.map(renamed), ...handedOn];
  }
}

function handOn(from: string, to: string): GraphNode {
  return { operator: 'Identity', domain: '', inputs: [from], outputs: [to], attributes: new Map() };
}

/** Attributes of a function's node, some of which the call, or else the function, has to say. */
function given(
  attributes: GraphNode['attributes'],
  call: GraphNode,
  { defaults }: GraphFunction,
): GraphNode['attributes'] {
  const all = new Map<string, GraphAttribute>();
  for (const [name, attribute] of attributes) {
    const { refersTo } = attribute;
    const one =
      refersTo === undefined ? attribute : (call.attributes.get(refersTo) ?? defaults.get(refersTo));
    if (one !== undefined) all.set(name, one);
  }
  return all;
}

function withGraphs(node: GraphNode, change: (graph: Graph) => Graph): GraphNode {
  const attributes = new Map(
    [...node.attributes].map(([name, attribute]) => [
      name,
      { ...attribute, graphs: attribute.graphs.map(change) },
    ]),
  );
  return { ...node, attributes };
}
