/** One operator of a graph, with what may matter of its attributes. */
export interface GraphNode {
  readonly operator: string;
  /** Empty for ONNX's own operators. */
  readonly domain: string;
  /** Of a call: which of a function's forms. */
  readonly overload?: string;
  /** Names of values; an optional one that is left out is empty. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, GraphAttribute>;
}

/** Of an attribute's kinds those that say how an operator works, not what its weights are. */
export interface GraphAttribute {
  readonly integer?: number;
  /** Where it is a short one. */
  readonly text?: string;
  readonly integers: readonly number[];
  readonly constant?: GraphConstant;
  readonly graphs: readonly Graph[];
  /** In a function: the attribute of its call that has the value. */
  readonly refersTo?: string;
}

/** A tensor in the file. */
export interface GraphConstant {
  readonly rank: number;
  /** Its elements, where they are a few integers or booleans. */
  readonly integers: readonly number[] | undefined;
}

/** An input as the graph declares it. */
export interface GraphInput {
  readonly name: string;
  /** TensorProto.DataType; undefined where it is no tensor. */
  readonly type: number | undefined;
  /** -1 stands for a dimension of any size; undefined where no shape is declared. */
  readonly shape: readonly number[] | undefined;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly string[];
  readonly constants: ReadonlyMap<string, GraphConstant>;
}

/** What a model's file says of how it computes. */
export interface ModelGraph {
  /** With the nodes of the file's functions where they are called. */
  readonly graph: Graph;
  /** The version of ONNX's own operators. */
  readonly opset: number;
  /** Elements of all its weights, those in files beside it as well. */
  readonly parameters: number;
  /** The name of what wrote the file. */
  readonly producer: string;
  /** Inputs that the file has a value for: the runtime takes that one, and shows them to nobody. */
  readonly defaulted: readonly string[];
}
