import { type Cause, invalid } from "../../schema/causes.ts";
import { CelError } from "../../schema/cel/values/cel_error.ts";
import { compile, type Program } from "../../schema/cel/program.ts";
import { type Shape, shapeOf, type StructuralSchema } from "../../schema/cel/shapes/shapes.ts";
import {
  AUTHORIZER,
  type CelType,
  describeType,
  DYN,
  RESOURCE_CHECK,
  structOf,
} from "../../schema/cel/types/cel_types.ts";
import type { PolicySpec } from "./policy_shape.ts";

/** An expression that was compiled, or why it could not be. */
export type CompiledExpression =
  & { readonly text: string }
  & ({ readonly program: Program } | { readonly fault: string });

/** The expressions of a policy. Validations are in the order of the policy. */
export interface CompiledPolicy {
  readonly matchConditions: readonly { name: string; expression: CompiledExpression }[];
  readonly variables: readonly { name: string; expression: CompiledExpression }[];
  readonly validations: readonly {
    readonly expression: CompiledExpression;
    readonly message: CompiledExpression | undefined;
  }[];
  readonly auditAnnotations: readonly { key: string; expression: CompiledExpression }[];
}

/** Types of what is known only where a policy is checked against a kind; absent: `dyn`. */
export interface KnownTypes {
  readonly object?: CelType;
  readonly params?: CelType;
}

const text: StructuralSchema = { type: "string" };
const texts: StructuralSchema = { type: "array", items: text };
const untyped: StructuralSchema = { "x-kubernetes-int-or-string": true };

function record(fields: Record<string, StructuralSchema>): StructuralSchema {
  return { type: "object", properties: fields };
}

const kindSchema = record({ group: text, version: text, kind: text });
const resourceSchema = record({ group: text, version: text, resource: text });

let shapes: { request: Shape; namespace: Shape } | undefined;

/** Shapes of the variables `request` and `namespaceObject`. Source: apiserver pkg/admission/plugin/cel/compile.go */
export function admissionShapes(): { request: Shape; namespace: Shape } {
  return shapes ??= {
    request: shapeOf(
      record({
        kind: kindSchema,
        resource: resourceSchema,
        subResource: text,
        requestKind: kindSchema,
        requestResource: resourceSchema,
        requestSubResource: text,
        name: text,
        namespace: text,
        operation: text,
        userInfo: record({
          username: text,
          uid: text,
          groups: texts,
          extra: { type: "object", additionalProperties: texts },
        }),
        dryRun: { type: "boolean" },
        options: untyped,
      }),
      { name: "kubernetes.AdmissionRequest" },
    )!,
    namespace: shapeOf(namespaceSchema(), { name: "kubernetes.Namespace" })!,
  };
}

function namespaceSchema(): StructuralSchema {
  const time: StructuralSchema = { type: "string", format: "date-time" };
  const names: StructuralSchema = { type: "object", additionalProperties: text };
  const whole: StructuralSchema = { type: "integer" };
  return record({
    metadata: record({
      name: text,
      generateName: text,
      namespace: text,
      labels: names,
      annotations: names,
      UID: text,
      creationTimestamp: time,
      deletionGracePeriodSeconds: whole,
      deletionTimestamp: time,
      generation: whole,
      resourceVersion: text,
      finalizers: texts,
    }),
    spec: record({ finalizers: texts }),
    status: record({
      phase: text,
      conditions: {
        type: "array",
        items: record({
          status: text,
          type: text,
          lastTransitionTime: time,
          message: text,
          reason: text,
        }),
      },
    }),
  });
}

/** Where an expression stands, which decides what it may use. */
interface Place {
  readonly hasParams: boolean;
  readonly hasAuthorizer: boolean;
  readonly variables?: CelType | undefined;
  readonly known?: KnownTypes;
}

function variablesAt(
  { hasParams, hasAuthorizer, variables, known = {} }: Place,
): Map<string, CelType> {
  const { request, namespace } = admissionShapes();
  const object = known.object ?? DYN;
  return new Map([
    ["object", object],
    ["oldObject", object],
    ["request", request.type],
    ["namespaceObject", namespace.type],
    ...(hasParams ? [["params", known.params ?? DYN] as const] : []),
    ...(hasAuthorizer
      ? [
        ["authorizer", AUTHORIZER] as const,
        ["authorizer.requestResource", RESOURCE_CHECK] as const,
      ]
      : []),
    ...(variables ? [["variables", variables] as const] : []),
  ]);
}

/** `kinds`: of what the value must be; empty: of any. */
function compiled(expression: string, place: Place, kinds: readonly string[]): CompiledExpression {
  try {
    const program = compile(expression, { variables: variablesAt(place) });
    if (kinds.length === 0 || kinds.includes(program.type.kind)) {
      return { text: expression, program };
    }
    const got = nameOf(program.type);
    const wanted = kinds.length === 1 ? kinds[0]! : `one of [${kinds.map(wordOf).join(" ")}]`;
    return { text: expression, fault: `must evaluate to ${wanted} but got ${got}` };
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return { text: expression, fault: `compilation failed: ${error.message}` };
  }
}

function nameOf(type: CelType): string {
  return type.kind === "null" ? wordOf("null") : describeType(type);
}

function wordOf(kind: string): string {
  return kind === "null" ? "null_type" : kind;
}

/** Compiles conditions that decide whether something applies to a request. They see no variables of a policy. */
export function compileConditions(
  conditions: readonly { name: string; expression: string }[],
  { hasParams }: { hasParams: boolean },
): CompiledPolicy["matchConditions"] {
  const place = { hasParams, hasAuthorizer: true };
  return conditions.map(({ name, expression }) => ({
    name,
    expression: compiled(expression.trim(), place, ["bool"]),
  }));
}

/** Compiles all expressions of a policy. Never throws. */
export function compilePolicy(spec: PolicySpec, known: KnownTypes = {}): CompiledPolicy {
  const hasParams = spec.paramKind !== undefined;
  const fields = new Map<string, CelType>();
  const base = { hasParams, hasAuthorizer: true, known };
  const variables: CompiledPolicy["variables"][number][] = [];
  const typeOfVariables = () =>
    spec.variables?.length ? structOf("kubernetes.variables", new Map(fields)) : undefined;
  for (const { name, expression } of spec.variables ?? []) {
    const made = compiled(expression, { ...base, variables: typeOfVariables() }, []);
    fields.set(name, "program" in made ? made.program.type : DYN);
    variables.push({ name, expression: made });
  }
  const place = { ...base, variables: typeOfVariables() };
  const messagePlace = { ...place, hasAuthorizer: false };
  return {
    matchConditions: compileConditions(spec.matchConditions ?? [], { hasParams }),
    variables,
    validations: (spec.validations ?? []).map(({ expression = "", messageExpression = "" }) => ({
      expression: compiled(expression, place, ["bool"]),
      message: messageExpression.trim() === ""
        ? undefined
        : compiled(messageExpression, messagePlace, ["string"]),
    })),
    auditAnnotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      expression: compiled(valueExpression.trim(), place, ["string", "null"]),
    })),
  };
}

/** What is wrong with an expression, at its field. */
export function faultCauses(expression: CompiledExpression, field: string): Cause[] {
  return "fault" in expression ? [invalid(field, expression.text, expression.fault)] : [];
}
