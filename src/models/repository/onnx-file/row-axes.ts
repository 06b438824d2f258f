import type { Graph, GraphConstant, GraphNode } from './model-graph';

/** What is known of a value of a graph. */
export interface KnownValue {
  readonly rank: number | undefined;
  /** The axis on which the rows of the batch lie, alone or among others; undefined: on none, or nobody knows. */
  readonly rows: number | undefined;
}

export const UNKNOWN: KnownValue = { rank: undefined, rows: undefined };

/** A graph and those around it, with what is known of their values so far. */
export interface Scope {
  readonly graph: Graph;
  readonly values: Map<string, KnownValue>;
  readonly around: Scope | undefined;
}

/** The axis counted from the first one; undefined where that needs a rank that nobody knows. */
export function axisOf(axis: number | undefined, rank: number | undefined): number | undefined {
  if (axis === undefined || axis >= 0) return axis;
  return rank === undefined || axis + rank < 0 ? undefined : axis + rank;
}

/** A tensor that is in the file: an initializer, or what a `Constant` gives. */
export function constantOf(name: string | undefined, scope: Scope): GraphConstant | undefined {
  if (name === undefined || name === '') return undefined;
  for (let at: Scope | undefined = scope; at !== undefined; at = at.around) {
    const constant = at.graph.constants.get(name) ?? madeBy(at.graph, name);
    if (constant !== undefined) return constant;
  }
  return undefined;
}

/**
 * The axes that a node names, in an attribute or in its second input; undefined when it names none, which mostly means
 * all, and `unknown` when they are made by the graph or count from a rank that nobody knows.
 */
export function axesOf(
  { inputs, attributes }: GraphNode,
  scope: Scope,
  rank: number | undefined,
): readonly number[] | undefined | 'unknown' {
  let given = attributes.get('axes')?.integers;
  const name = inputs[1];
  if (given === undefined && name !== undefined && name !== '') {
    given = constantOf(name, scope)?.integers;
    if (given === undefined) return 'unknown';
  }
  if (given === undefined || given.length === 0) return undefined;
  const axes = given.map((axis) => axisOf(axis, rank));
  return axes.includes(undefined) ? 'unknown' : (axes as number[]);
}

const constantsOf = new WeakMap<Graph, ReadonlyMap<string, GraphConstant>>();

function madeBy(graph: Graph, name: string): GraphConstant | undefined {
  let made = constantsOf.get(graph);
  if (made === undefined) {
    made = new Map(
      graph.nodes.flatMap(({ operator, outputs, attributes }): [string, GraphConstant][] => {
        const constant = operator === 'Constant' ? constantIn(attributes) : undefined;
        return constant === undefined ? [] : [[outputs[0] ?? '', constant]];
      }),
    );
    constantsOf.set(graph, made);
  }
  return made.get(name);
}

function constantIn(attributes: GraphNode['attributes']): GraphConstant | undefined {
  const { constant } = attributes.get('value') ?? {};
  if (constant !== undefined) return constant;
  const integer = attributes.get('value_int')?.integer;
  if (integer !== undefined) return { rank: 0, integers: [integer] };
  const integers = attributes.get('value_ints')?.integers;
  return integers && { rank: 1, integers };
}
