import { ownField } from "../../../lib/own_field.ts";
import { type Cause, duplicate, forbidden, invalid, missing } from "../../causes.ts";
import type { Outcome } from "../program.ts";
import { escapedName } from "../shapes/escaping.ts";
import { shapedValue } from "../shapes/json_values.ts";
import { type Shape, shapeOf } from "../shapes/shapes.ts";
import { OptionalValue, type Value } from "../values/values.ts";
import { Correlation, isRecord, type Json, OldItems } from "./correlation.ts";
import { type CompiledRule, compileRule } from "./rule.ts";
import type { Rule, RuleSchema } from "./rule_schema.ts";

/** What the rules of one object may cost together; Kubernetes' limit. */
export const OBJECT_COST_MAX = 10_000_000;
/** Characters of what a messageExpression makes. */
const MESSAGE_LENGTH_MAX = 5 * 1024;

/** The rules of a schema, compiled, in the form of the schema. */
export interface RuleNode {
  readonly schema: RuleSchema;
  /** `undefined` where expressions cannot see the values. */
  readonly shape: Shape | undefined;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly values: RuleNode | undefined;
  readonly items: RuleNode | undefined;
  readonly allOf: readonly RuleNode[];
}

/**
 * Compiles the rules of a structural schema; `undefined` when it has none, so that writes need not ask. `isRoot` for the
 * schema of a whole resource. Never throws: rules that do not compile refuse the objects that they are about.
 */
export function compileRules(schema: RuleSchema, { isRoot = true } = {}): RuleNode | undefined {
  if (!hasRules(schema)) return undefined;
  return nodeOf(schema, schema, shapeOf(schema, { isRoot }));
}

function hasRules(schema: RuleSchema): boolean {
  const { additionalProperties, properties, items, allOf } = schema;
  return (schema["x-kubernetes-validations"]?.length ?? 0) > 0 ||
    (typeof additionalProperties === "object" && hasRules(additionalProperties)) ||
    Object.values(properties ?? {}).some(hasRules) || (items !== undefined && hasRules(items)) ||
    (allOf?.some(hasRules) ?? false);
}

/** Rules of one schema about values that another one gives the shape: below `allOf`, the two are different. */
function nodeOf(
  ruled: RuleSchema,
  schema: RuleSchema,
  shape: Shape | undefined,
): RuleNode | undefined {
  const rules = (ruled["x-kubernetes-validations"] ?? []).map((rule) =>
    shape ? compileRule(rule, schema, shape) : unusable(rule)
  );
  const node: RuleNode = {
    schema,
    shape,
    rules,
    properties: propertiesOf(ruled, schema, shape),
    values: partOf(ruled.additionalProperties, schema.additionalProperties, shape?.values),
    items: partOf(ruled.items, schema.items, shape?.items),
    allOf: (ruled.allOf ?? []).flatMap((part) => nodeOf(part, schema, shape) ?? []),
  };
  const isEmpty = rules.length === 0 && node.properties.size === 0 && !node.values &&
    !node.items && node.allOf.length === 0;
  return isEmpty ? undefined : node;
}

function unusable(rule: Rule): CompiledRule {
  const fault = "failed to convert to declType for CEL validation rules";
  return { rule, fault, usesOldSelf: false, fieldPath: "" };
}

function partOf(
  ruled: RuleSchema | boolean | undefined,
  schema: RuleSchema | boolean | undefined,
  shape: Shape | undefined,
): RuleNode | undefined {
  if (typeof ruled !== "object" || typeof schema !== "object") return undefined;
  return nodeOf(ruled, schema, shape ?? shapeOf(schema));
}

function propertiesOf(
  ruled: RuleSchema,
  schema: RuleSchema,
  shape: Shape | undefined,
): ReadonlyMap<string, RuleNode> {
  const nodes = new Map<string, RuleNode>();
  for (const [name, part] of Object.entries(ruled.properties ?? {})) {
    const own = ownField(schema.properties, name);
    if (!own) continue;
    const escaped = escapedName(name);
    const known = escaped === undefined ? shapeOf(own) : shape?.fields?.get(escaped)?.shape;
    const node = known && nodeOf(part, own, known);
    if (node) nodes.set(name, node);
  }
  return nodes;
}

export interface RuleVerdict {
  /** Why the object is refused. */
  readonly causes: Cause[];
  /** Rules that are broken by what was so before: as Kubernetes prints an error, one `Warning` each. */
  readonly warnings: string[];
}

/**
 * Asks the rules about an object that is otherwise valid, and about the one that it replaces: `undefined` for a create.
 * Never throws. Source: apiextensions pkg/apiserver/schema/cel/validation.go
 */
export function validateRules(node: RuleNode, object: unknown, old: unknown): RuleVerdict {
  const validation = new Validation();
  const correlation = old === undefined ? undefined : new Correlation(object, old, node.schema);
  validation.visit(node, { path: "", value: object, old, correlation, parent: undefined });
  return validation;
}

/** A value on which rules are run. */
interface Subject {
  readonly path: string;
  readonly value: unknown;
  /** What it was; `undefined` where that cannot be told. */
  readonly old: unknown;
  readonly correlation: Correlation | undefined;
  /** The next value around it of which it is known what it was. */
  readonly parent: Correlation | undefined;
}

class Validation implements RuleVerdict {
  readonly causes: Cause[] = [];
  readonly warnings: string[] = [];
  #left = OBJECT_COST_MAX;

  /** False when the budget is used up. */
  visit(node: RuleNode, subject: Subject): boolean {
    if (subject.value === undefined || subject.value === null) return true;
    if (!this.#run(node, subject)) return false;
    for (const part of node.allOf) {
      if (!this.visit(part, { ...subject, correlation: undefined })) return false;
    }
    if (Array.isArray(subject.value)) return this.#visitItems(node, subject, subject.value);
    return !isRecord(subject.value) || this.#visitFields(node, subject, subject.value);
  }

  #visitFields(node: RuleNode, subject: Subject, value: Json): boolean {
    if (!node.values && node.properties.size === 0) return true;
    for (const [name, child] of Object.entries(value)) {
      const part = node.properties.get(name);
      const path = part
        ? (subject.path ? `${subject.path}.${name}` : name)
        : `${subject.path}[${name}]`;
      const target = part ?? node.values;
      if (!target) continue;
      const old = isRecord(subject.old) && Object.hasOwn(subject.old, name)
        ? subject.old[name]
        : undefined;
      const isVersion = !subject.parent && (name === "apiVersion" || name === "kind");
      const links = isVersion
        ? { correlation: undefined, parent: undefined }
        : linksOf(subject, (correlation) => correlation.key(name));
      if (!this.visit(target, { path, value: child, old, ...links })) return false;
    }
    return true;
  }

  #visitItems({ items, schema }: RuleNode, subject: Subject, value: readonly unknown[]): boolean {
    if (!items) return true;
    const oldItems = new OldItems(schema, subject.old);
    return value.every((item, index) =>
      this.visit(items, {
        path: `${subject.path}[${index}]`,
        value: item,
        old: oldItems.of(item),
        ...linksOf(subject, (correlation) => correlation.index(index)),
      })
    );
  }

  #run({ rules, shape, schema }: RuleNode, subject: Subject): boolean {
    if (rules.length === 0) return true;
    const path = subject.path || "<nil>";
    const type = schema.type ?? "";
    if (this.#left <= 0) return this.#end(path, type, OUT_OF_BUDGET);
    const self = shape ? shapedValue(subject.value, shape) : null;
    const oldSelf = shape && subject.old !== undefined && subject.old !== null
      ? shapedValue(subject.old, shape)
      : undefined;
    return rules.every((rule) => this.#apply(rule, { subject, path, type, self, oldSelf }));
  }

  #apply(compiled: CompiledRule, run: Run): boolean {
    const { rule, program, fault } = compiled;
    if (fault !== undefined) {
      this.causes.push(invalid(run.path, run.type, `rule compile error: ${fault}`));
      return true;
    }
    if (!program) return true;
    const isFirst = compiled.usesOldSelf && run.oldSelf === undefined;
    if (isFirst && rule.optionalOldSelf !== true) return true;
    const bindings = bindingsOf(rule, run);
    const outcome = program.evaluate(bindings);
    if (outcome.cost > this.#left) return this.#end(run.path, run.type, OUT_OF_BUDGET);
    this.#left -= outcome.cost;
    if ("error" in outcome) return this.#fail(rule, run, outcome);
    return outcome.value === true || this.#refuse(compiled, run, bindings);
  }

  #end(path: string, type: string, detail: string): false {
    this.causes.push(invalid(path, type, detail));
    return false;
  }

  #fail(rule: Rule, { path, type }: Run, outcome: Extract<Outcome, { error: string }>): boolean {
    const shown = (rule.message || rule.rule).trim();
    if (outcome.isOverBudget) {
      const detail =
        `'${outcome.error}': no further validation rules will be run due to call cost exceeds limit for rule: ${shown}`;
      return this.#end(path, type, detail);
    }
    const detail = outcome.error.startsWith("no such overload")
      ? `'${outcome.error}': call arguments did not match a supported operator, function or macro signature for rule: ${shown}`
      : `${outcome.error} evaluating rule: ${shown}`;
    this.causes.push(invalid(path, type, detail));
    return true;
  }

  #refuse(compiled: CompiledRule, run: Run, bindings: ReadonlyMap<string, Value>): boolean {
    const { rule, fieldPath, usesOldSelf } = compiled;
    const path = fieldPath === "" ? run.path : childPath(run.subject.path, fieldPath);
    const message = this.#messageOf(compiled, bindings);
    const cause = "ended" in message
      ? invalid(path, run.type, message.ended)
      : causeOf(rule, path, run.type, message.text);
    const { correlation, parent } = run.subject;
    const isUnchanged = correlation ? correlation.isUnchanged : parent?.isUnchanged ?? false;
    if (!usesOldSelf && isUnchanged) this.warnings.push(`${cause.field}: ${cause.message}`);
    else this.causes.push(cause);
    return !("ended" in message);
  }

  #messageOf(
    { rule, message }: CompiledRule,
    bindings: ReadonlyMap<string, Value>,
  ): { text: string } | { ended: string } {
    const fallback = { text: rule.message?.trim() || `failed rule: ${rule.rule.trim()}` };
    if (!message) return fallback;
    const outcome = message.evaluate(bindings);
    if (outcome.cost > this.#left) {
      return {
        ended:
          "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run",
      };
    }
    this.#left -= outcome.cost;
    if ("error" in outcome) {
      const expression = JSON.stringify(rule.messageExpression);
      return outcome.isOverBudget
        ? {
          ended:
            `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${expression}`,
        }
        : fallback;
    }
    const text = typeof outcome.value === "string" ? outcome.value.trim() : "";
    const isUsable = text !== "" && text.length <= MESSAGE_LENGTH_MAX && !text.includes("\n");
    return isUsable ? { text } : fallback;
  }
}

/** A rule that is run: on what, where, and the variables. */
interface Run {
  readonly subject: Subject;
  readonly path: string;
  readonly type: string;
  readonly self: Value;
  readonly oldSelf: Value | undefined;
}

const OUT_OF_BUDGET =
  "validation failed due to running out of cost budget, no further validation rules will be run";

function linksOf(
  { correlation, parent }: Subject,
  child: (correlation: Correlation) => Correlation | undefined,
): Pick<Subject, "correlation" | "parent"> {
  if (!correlation) return { correlation, parent };
  return { correlation: child(correlation), parent: correlation };
}

function bindingsOf(rule: Rule, { self, oldSelf }: Run): ReadonlyMap<string, Value> {
  const bindings = new Map([["self", self]]);
  if (rule.optionalOldSelf) bindings.set("oldSelf", new OptionalValue(oldSelf));
  else if (oldSelf !== undefined) bindings.set("oldSelf", oldSelf);
  return bindings;
}

function childPath(path: string, field: string): string {
  if (path === "") return field;
  return field.startsWith("[") ? path + field : `${path}.${field}`;
}

function causeOf({ reason }: Rule, path: string, type: string, detail: string): Cause {
  switch (reason) {
    case "FieldValueForbidden":
      return forbidden(path, detail);
    case "FieldValueRequired":
      return missing(path, detail);
    case "FieldValueDuplicate":
      return duplicate(path, type);
    default:
      return invalid(path, type, detail);
  }
}
