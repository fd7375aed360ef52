import { CelError } from "../values/cel_error.ts";
import { estimateCost } from "../estimate/estimate.ts";
import { compile, type Program } from "../program.ts";
import type { Shape } from "../shapes/shapes.ts";
import { sizesOf } from "../shapes/sizes.ts";
import { optionalOf } from "../types/cel_types.ts";
import { normalFieldPath } from "./field_paths.ts";
import type { Rule, RuleSchema } from "./rule_schema.ts";

/** A rule that was compiled, or why it could not be; neither for an empty one. */
export interface CompiledRule {
  readonly rule: Rule;
  readonly program?: Program;
  readonly fault?: string;
  readonly message?: Program;
  readonly messageFault?: string;
  /** A transition rule: it compares with what was before. */
  readonly usesOldSelf: boolean;
  /** Where the field of `fieldPath` lies below, if it is a path. */
  readonly fieldPath: string;
}

/** Compiles a rule for values of a shape. Never throws. */
export function compileRule(rule: Rule, schema: RuleSchema, shape: Shape): CompiledRule {
  const base = {
    rule,
    usesOldSelf: false,
    fieldPath: rule.fieldPath ? normalFieldPath(rule.fieldPath, schema) ?? "" : "",
  };
  if (rule.rule.trim() === "") return base;
  const oldSelf = rule.optionalOldSelf ? optionalOf(shape.type) : shape.type;
  const environment = { variables: new Map([["self", shape.type], ["oldSelf", oldSelf]]) };
  const compiled = attempt(() => compile(rule.rule, environment));
  if (typeof compiled === "string") return { ...base, fault: `compilation failed: ${compiled}` };
  if (compiled.type.kind !== "bool") {
    return { ...base, fault: "cel expression must evaluate to a bool" };
  }
  const usesOldSelf = [...compiled.checked.names.values()].includes("oldSelf");
  const made = { ...base, program: compiled, usesOldSelf };
  if (!rule.messageExpression) return made;
  const message = attempt(() => compile(rule.messageExpression!, environment));
  if (typeof message === "string") {
    return { ...made, messageFault: `messageExpression compilation failed: ${message}` };
  }
  return message.type.kind === "string"
    ? { ...made, message }
    : { ...made, messageFault: "messageExpression must evaluate to a string" };
}

function attempt(make: () => Program): Program | string {
  try {
    return make();
  } catch (error) {
    if (error instanceof CelError) return error.message;
    throw error;
  }
}

/** What a program can cost at most, on values of a shape. */
export function costMaxOf(program: Program | undefined, shape: Shape): number {
  return program ? estimateCost(program.checked, sizesOf(shape)).max : 0;
}
