import { ExpressionError } from "../values/expression_error.ts";
import { goNumber, integerText } from "../values/go_numbers.ts";
import { type Node, nodeOf } from "./nodes.ts";

/** The number that a token stands for: an integer of 64 bits, or a float. Throws an {@linkcode ExpressionError}. */
export function numberLiteral(written: string): Node {
  const text = written.replaceAll("_", "");
  if (text.includes("x")) {
    return nodeOf({ kind: "integer", value: read(() => integerText(text, 16), "hex") });
  }
  if (/[.eE]/.test(text)) {
    return nodeOf({ kind: "float", value: read(() => goNumber(text), "float") });
  }
  return nodeOf({ kind: "integer", value: read(() => integerText(text, 10), "integer") });
}

function read<T>(parse: () => T, kind: string): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new ExpressionError(`invalid ${kind} literal: ${error.message}`);
  }
}
