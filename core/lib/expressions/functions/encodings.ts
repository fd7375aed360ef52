import { asserted } from "../values/arithmetic.ts";
import type { Budget } from "../values/budget.ts";
import { ExpressionError } from "../values/expression_error.ts";
import { JsonError, parseJson } from "../../json/json_text.ts";
import { ANY, type Value } from "../values/values.ts";
import { type BuiltIn, overloaded } from "./built_in.ts";

const LIMITS = { depthMax: 64, valuesMax: 100_000 };

export const ENCODINGS: readonly (readonly [string, BuiltIn])[] = [
  overloaded("fromJSON", [{ parameters: ["string"], result: ANY }], ([text], budget) => {
    return parsed(asserted(text!, "string"), budget);
  }),
  overloaded("toBase64", [{ parameters: ["string"], result: "string" }], ([text], budget) => {
    const bytes = new TextEncoder().encode(asserted(text!, "string"));
    budget.grow(bytes.length * 2);
    return bytes.toBase64();
  }),
  overloaded("fromBase64", [{ parameters: ["string"], result: "string" }], ([text], budget) => {
    return decoded(asserted(text!, "string"), budget);
  }),
];

/** What a text costs beside its characters. */
const TEXT_STEPS = 20;

function parsed(text: string, budget: Budget): Value {
  budget.step(TEXT_STEPS);
  budget.list(text.length);
  try {
    return parseJson(text, LIMITS) as Value; // JSON has no other values
  } catch (error) {
    if (error instanceof JsonError) throw new ExpressionError(error.message);
    throw error;
  }
}

function decoded(text: string, budget: Budget): string {
  budget.grow(text.length);
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(text.replace(/[\r\n]/g, "")));
  } catch (error) {
    if (error instanceof SyntaxError) throw new ExpressionError("illegal base64 data");
    throw error;
  }
}
