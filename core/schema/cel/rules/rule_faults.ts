import { type Cause, forbidden, invalid, missing, notSupported } from "../../causes.ts";
import { escapedName } from "../shapes/escaping.ts";
import { type Shape, shapeOf } from "../shapes/shapes.ts";
import { normalFieldPath } from "./field_paths.ts";
import { compileRule, costMaxOf } from "./rule.ts";
import type { Rule, RuleSchema } from "./rule_schema.ts";

/** What rules can cost at most: each, and all of a schema together. Kubernetes' limits. */
const RULE_COST_MAX = 10_000_000;
const SCHEMA_COST_MAX = 100_000_000;
const REQUEST_BYTES_MAX = 3 * 1024 * 1024;
const EXPENSIVE_SHOWN_MAX = 4;

const REASONS = [
  "FieldValueDuplicate",
  "FieldValueForbidden",
  "FieldValueInvalid",
  "FieldValueRequired",
];

/**
 * What is wrong with the rules of a schema at `path`, without compiling them: wrong reasons, messages, field paths.
 * Source: apiextensions pkg/apis/apiextensions/validation
 */
export function ruleDeclarationFaults(schema: RuleSchema, path: string): Cause[] {
  const causes: Cause[] = [];
  visit(schema, path, (node, at) => {
    for (const [index, rule] of (node["x-kubernetes-validations"] ?? []).entries()) {
      causes.push(...declarationFaults(rule, node, `${at}.x-kubernetes-validations[${index}]`));
    }
  });
  return causes;
}

/** Children first, as Kubernetes reports them. */
function visit(
  schema: RuleSchema,
  path: string,
  see: (node: RuleSchema, path: string) => void,
): void {
  const { additionalProperties, properties, items } = schema;
  if (typeof additionalProperties === "object") {
    visit(additionalProperties, `${path}.additionalProperties`, see);
  }
  for (const [name, property] of Object.entries(properties ?? {})) {
    visit(property, `${path}.properties[${name}]`, see);
  }
  if (items) visit(items, `${path}.items`, see);
  see(schema, path);
}

const hasLineBreak = (text: string) => /[\n\r]/.test(text);

function declarationFaults(rule: Rule, schema: RuleSchema, at: string): Cause[] {
  const causes: Cause[] = [];
  const { message = "", messageExpression = "", fieldPath = "", reason } = rule;
  if (rule.rule.trim() === "") causes.push(missing(`${at}.rule`, "rule is not specified"));
  else if (message !== "" && message.trim() === "") {
    causes.push(invalid(`${at}.message`, message, "must be non-empty if specified"));
  } else if (hasLineBreak(message.trim())) {
    causes.push(invalid(`${at}.message`, message, "must not contain line breaks"));
  } else if (hasLineBreak(rule.rule.trim()) && message.trim() === "") {
    causes.push(
      missing(`${at}.message`, "message must be specified if rule contains line breaks"),
    );
  }
  if (messageExpression !== "" && messageExpression.trim() === "") {
    const detail = "messageExpression must be non-empty if specified";
    causes.push(missing(`${at}.messageExpression`, detail));
  }
  if (reason !== undefined && !REASONS.includes(reason)) {
    causes.push(notSupported(`${at}.reason`, reason, REASONS));
  }
  if (fieldPath !== "" && fieldPath.trim() === "") {
    causes.push(invalid(`${at}.fieldPath`, fieldPath, "must be non-empty if specified"));
  }
  if (hasLineBreak(fieldPath)) {
    causes.push(invalid(`${at}.fieldPath`, fieldPath, "must not contain line breaks"));
  }
  if (fieldPath !== "" && normalFieldPath(fieldPath, schema) === undefined) {
    causes.push(invalid(`${at}.fieldPath`, fieldPath, "must be a valid path"));
  }
  return causes;
}

/**
 * What is wrong with the expressions of the rules: what does not compile, or can cost too much. To be asked of schemas
 * with which nothing else is wrong.
 */
export function ruleExpressionFaults(schema: RuleSchema, path: string): Cause[] {
  return new ExpressionFaults().of(schema, path);
}

/** Where a part of a schema stands. */
interface Scope {
  readonly path: string;
  readonly isRoot: boolean;
  /** Values of it in an object; `undefined` when nothing limits them. */
  readonly cardinality: number | undefined;
  /** The path of the list whose items cannot be found again in the old object. */
  readonly uncorrelated: string | undefined;
  readonly shape: Shape | undefined;
}

class ExpressionFaults {
  readonly #causes: Cause[] = [];
  readonly #expensive: { path: string; cost: number }[] = [];
  #total = 0;

  of(schema: RuleSchema, path: string): Cause[] {
    const scope = { path, isRoot: true, cardinality: 1, uncorrelated: undefined, shape: undefined };
    this.#visit(schema, scope);
    if (this.#total > SCHEMA_COST_MAX) this.#addTotal(path);
    return this.#causes;
  }

  #visit(schema: RuleSchema, outer: Scope): void {
    const hasRules = (schema["x-kubernetes-validations"]?.length ?? 0) > 0;
    const own = outer.shape ?? (hasRules ? shapeOf(schema, { isRoot: outer.isRoot }) : undefined);
    const scope = { ...outer, shape: own };
    const { additionalProperties, properties, items } = schema;
    if (typeof additionalProperties === "object") {
      const part = within(scope, "additionalProperties", schema.maxProperties, own?.values);
      this.#visit(additionalProperties, part);
    }
    for (const [name, property] of Object.entries(properties ?? {})) {
      const field = own?.fields?.get(escapedName(name) ?? "")?.shape;
      const isMap = typeof additionalProperties === "object";
      const count = isMap ? schema.maxProperties : 1;
      this.#visit(property, within(scope, `properties[${name}]`, count, field));
    }
    if (items) {
      const part = within(scope, "items", schema.maxItems, own?.items);
      const isCorrelated = schema["x-kubernetes-list-type"] === "map";
      this.#visit(items, isCorrelated ? part : { ...part, uncorrelated: scope.path });
    }
    if (hasRules) this.#compile(schema, scope);
  }

  #compile(schema: RuleSchema, scope: Scope): void {
    const { shape, path } = scope;
    if (!shape) {
      const detail =
        "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";
      const message = `Internal error: ${detail}`;
      const field = `${path}.x-kubernetes-validations`;
      this.#causes.push({ field, reason: "FieldValueInvalid", message });
      return;
    }
    for (const [index, rule] of schema["x-kubernetes-validations"]!.entries()) {
      this.#check(rule, schema, scope, shape, `${path}.x-kubernetes-validations[${index}]`);
    }
  }

  #check(rule: Rule, schema: RuleSchema, scope: Scope, shape: Shape, at: string): void {
    const compiled = compileRule(rule, schema, shape);
    const count = scope.cardinality ?? Math.floor(REQUEST_BYTES_MAX / (shape.minSize + 1));
    const cost = costMaxOf(compiled.program, shape) * count;
    this.#addCost(`${at}.rule`, "estimated rule cost", cost);
    if (compiled.fault) this.#causes.push(invalidRule(`${at}.rule`, rule, compiled.fault));
    if (compiled.messageFault) {
      this.#causes.push(invalidRule(`${at}.messageExpression`, rule, compiled.messageFault));
    } else if (compiled.message) {
      const messageCost = costMaxOf(compiled.message, shape);
      this.#addCost(`${at}.messageExpression`, "estimated messageExpression cost", messageCost);
    }
    if (compiled.usesOldSelf && scope.uncorrelated !== undefined) {
      const detail =
        `oldSelf cannot be used on the uncorrelatable portion of the schema within ${scope.uncorrelated}`;
      this.#causes.push(invalid(`${at}.rule`, rule.rule, detail));
    } else if (!compiled.usesOldSelf && rule.optionalOldSelf !== undefined) {
      const detail = "may not be set if oldSelf is not used in rule";
      this.#causes.push(invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, detail));
    }
  }

  #addCost(path: string, name: string, cost: number): void {
    if (cost > RULE_COST_MAX) {
      this.#causes.push(forbidden(path, excessOf(name, cost / RULE_COST_MAX)));
    }
    this.#total += cost;
    if (cost >= SCHEMA_COST_MAX / 100) this.#expensive.push({ path, cost });
  }

  #addTotal(path: string): void {
    const most = this.#expensive.sort((a, b) => b.cost - a.cost).slice(0, EXPENSIVE_SHOWN_MAX);
    const detail =
      "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
    this.#causes.push(...most.map((one) => forbidden(one.path, detail)));
    const name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
    this.#causes.push(forbidden(path, excessOf(name, this.#total / SCHEMA_COST_MAX)));
  }
}

function within(
  scope: Scope,
  name: string,
  count: number | undefined,
  shape: Shape | undefined,
): Scope {
  const { cardinality } = scope;
  const isLimited = cardinality !== undefined && count !== undefined;
  return {
    ...scope,
    path: `${scope.path}.${name}`,
    isRoot: false,
    cardinality: isLimited ? cardinality * Math.max(0, count) : undefined,
    shape,
  };
}

function excessOf(name: string, factor: number): string {
  const times = factor > 100
    ? "more than 100x"
    : factor < 1.5
    ? `${factor.toFixed(6)}x`
    : `${factor.toFixed(1)}x`;
  return `${name} exceeds budget by factor of ${times} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

const HTML: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** The whole rule, as Go prints it. */
function invalidRule(field: string, rule: Rule, detail: string): Cause {
  const value = JSON.stringify({
    Rule: rule.rule,
    Message: rule.message ?? "",
    MessageExpression: rule.messageExpression ?? "",
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? "",
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  }).replace(/[<>&\u2028\u2029]/g, (character) => HTML[character]!);
  return { field, reason: "FieldValueInvalid", message: `Invalid value: ${value}: ${detail}` };
}
