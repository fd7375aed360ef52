import { compile, type Outcome } from "./program.ts";
import type { StructuralSchema } from "./shapes/shapes.ts";
import { plainValue } from "./shapes/json_values.ts";
import { DYN } from "./types/cel_types.ts";
import type { CelError } from "./values/cel_error.ts";

/** Evaluates an expression over untyped variables. */
export function evaluated(text: string, variables: Record<string, unknown> = {}): Outcome {
  const names = Object.keys(variables);
  const program = compile(text, { variables: new Map(names.map((name) => [name, DYN])) });
  return program.evaluate(
    new Map(names.map((name) => [name, plainValue(variables[name])])),
  );
}

/** What an expression is refused with. */
export function refusal(text: string, variables: Record<string, unknown> = {}): string {
  try {
    evaluated(text, variables);
    return "accepted";
  } catch (error) {
    return (error as CelError).message;
  }
}

/** A rule and its schema, with what a kube-apiserver 1.34.4 says of objects. */
export interface Recorded {
  readonly schema: StructuralSchema & {
    readonly "x-kubernetes-validations": readonly { rule: string; optionalOldSelf?: boolean }[];
  };
  readonly cases: readonly {
    readonly obj: unknown;
    readonly old?: unknown;
    readonly is: "true" | "false" | "error";
    readonly cost: number;
    readonly text?: string;
  }[];
}

/** Lines of JSON in a compressed file beside this one. */
export async function fixtureOf<T>(name: string): Promise<T[]> {
  const file = await Deno.open(new URL(`./fixtures/${name}`, import.meta.url));
  const text = await new Response(
    file.readable.pipeThrough(new DecompressionStream("gzip")),
  ).text();
  return text.trim().split("\n").map((line) => JSON.parse(line));
}
