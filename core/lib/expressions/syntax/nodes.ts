/** An expression as a tree. `depth`: how many nodes lie on the longest way down, itself included. */
export type Node = { readonly depth: number } & NodeShape;

export type NodeShape =
  | { readonly kind: "nil" }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "identifier"; readonly name: string }
  | { readonly kind: "pointer"; readonly name: string }
  | { readonly kind: "unary"; readonly operator: string; readonly node: Node }
  | {
    readonly kind: "binary";
    readonly operator: string;
    readonly left: Node;
    readonly right: Node;
  }
  | { readonly kind: "conditional"; readonly test: Node; readonly then: Node; readonly else: Node }
  | {
    readonly kind: "member";
    readonly node: Node;
    readonly property: Node;
    readonly isOptional: boolean;
  }
  /** Whose optional members make all of it nil. */
  | { readonly kind: "chain"; readonly node: Node }
  | { readonly kind: "slice"; readonly node: Node; readonly from?: Node; readonly to?: Node }
  | { readonly kind: "call"; readonly callee: Node; readonly parameters: readonly Node[] }
  | { readonly kind: "function"; readonly name: string; readonly parameters: readonly Node[] }
  | { readonly kind: "closure"; readonly node: Node }
  | {
    readonly kind: "let";
    readonly name: string;
    readonly value: Node;
    readonly node: Node;
  }
  | { readonly kind: "array"; readonly items: readonly Node[] }
  | { readonly kind: "map"; readonly pairs: readonly (readonly [key: Node, value: Node])[] };

/** What a node is made of, directly. */
export function partsOf(node: NodeShape): readonly Node[] {
  switch (node.kind) {
    case "unary":
    case "chain":
    case "closure":
      return [node.node];
    case "binary":
      return [node.left, node.right];
    case "conditional":
      return [node.test, node.then, node.else];
    case "member":
      return [node.node, node.property];
    case "slice":
      return [node.node, ...node.from ? [node.from] : [], ...node.to ? [node.to] : []];
    case "call":
      return [node.callee, ...node.parameters];
    case "function":
      return node.parameters;
    case "let":
      return [node.value, node.node];
    case "array":
      return node.items;
    case "map":
      return node.pairs.flat();
    default:
      return [];
  }
}

/** A node, with its depth. */
export function nodeOf(shape: NodeShape): Node {
  const depth = 1 + partsOf(shape).reduce((most, part) => Math.max(most, part.depth), 0);
  return { ...shape, depth };
}

/** A node of which each direct part is another one. */
export function withParts(node: Node, change: (part: Node) => Node): Node {
  switch (node.kind) {
    case "unary":
    case "chain":
    case "closure":
      return { ...node, node: change(node.node) };
    case "binary":
      return { ...node, left: change(node.left), right: change(node.right) };
    case "conditional": {
      const [test, then] = [change(node.test), change(node.then)];
      return { ...node, test, then, else: change(node.else) };
    }
    case "member":
      return { ...node, node: change(node.node), property: change(node.property) };
    case "slice": {
      const [from, to] = [node.from && change(node.from), node.to && change(node.to)];
      return { ...node, node: change(node.node), ...(from && { from }), ...(to && { to }) };
    }
    case "call":
    case "function":
      return { ...node, parameters: node.parameters.map(change) };
    case "let":
      return { ...node, value: change(node.value), node: change(node.node) };
    case "array":
      return { ...node, items: node.items.map(change) };
    case "map":
      return { ...node, pairs: node.pairs.map(([key, value]) => [change(key), change(value)]) };
    default:
      return node;
  }
}
