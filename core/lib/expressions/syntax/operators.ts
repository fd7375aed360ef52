interface Operator {
  readonly precedence: number;
  readonly isRightAssociative?: true;
}

export const UNARY: ReadonlyMap<string, number> = new Map([
  ["not", 50],
  ["!", 50],
  ["-", 90],
  ["+", 90],
]);

const LEFT: readonly (readonly [precedence: number, ...operators: string[]])[] = [
  [0, "|"],
  [10, "or", "||"],
  [15, "and", "&&"],
  [20, "==", "!=", "<", ">", ">=", "<=", "in", "matches", "contains", "startsWith", "endsWith"],
  [25, ".."],
  [30, "+", "-"],
  [60, "*", "/", "%"],
  [500, "??"],
];

export const BINARY: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ...LEFT.flatMap(([precedence, ...names]) => names.map((name) => [name, { precedence }] as const)),
  ["**", { precedence: 100, isRightAssociative: true }],
  ["^", { precedence: 100, isRightAssociative: true }],
]);
