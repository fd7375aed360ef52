import {
  type CompiledExpression,
  compilePolicy,
} from "../../resources/admissionregistration/policy_expressions.ts";
import type { PolicySpec } from "../../resources/admissionregistration/policy_shape.ts";
import {
  validatingAdmissionPolicies,
  type ValidatingAdmissionPolicy,
} from "../../resources/admissionregistration/validating_admission_policies.ts";
import type { Catalog } from "../../resources/catalog.ts";
import type { AnyResource } from "../../resources/resource.ts";
import { shapeOf, type StructuralSchema } from "../../schema/cel/shapes/shapes.ts";
import type { CelType } from "../../schema/cel/types/cel_types.ts";
import { type Controller, NOTHING, type Plan, plan, updateStatus } from "../runtime/controller.ts";

/** Kinds that the rules of a policy are checked against at most. */
const KINDS_MAX = 10;

/** A kind in a version. */
interface CheckedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: StructuralSchema;
}

/**
 * Says in the status of each ValidatingAdmissionPolicy what is wrong with the types in its expressions, for the kinds
 * that it names. It changes nothing of what the policy does.
 *
 * Kubernetes: `pkg/controller/validatingadmissionpolicystatus`, apiserver `…/policy/validating/typechecking.go`.
 */
export function policyTypeChecking(catalog: Catalog): Controller<ValidatingAdmissionPolicy> {
  return {
    name: "validatingadmissionpolicy-status-controller",
    resource: validatingAdmissionPolicies,
    watches: [],
    workers: 1,
    reconcile: (policy) => reconcile(policy, catalog),
  };
}

function reconcile(policy: ValidatingAdmissionPolicy, catalog: Catalog): Plan {
  const { generation = 1 } = policy.metadata;
  if (policy.status.observedGeneration === generation) return NOTHING;
  const expressionWarnings = typeWarnings(policy.spec, catalog.all);
  const typeChecking = expressionWarnings.length > 0 ? { expressionWarnings } : {};
  const status = { ...policy.status, observedGeneration: generation, typeChecking };
  return plan([updateStatus(validatingAdmissionPolicies, { ...policy, status })]);
}

/** What is wrong with each validation, for each kind that the policy names. */
export function typeWarnings(
  spec: PolicySpec,
  kinds: readonly AnyResource[],
): { fieldRef: string; warning: string }[] {
  const { paramKind } = spec;
  const params = paramKind &&
    kindsNamed(kinds, paramKind.apiVersion ?? "", paramKind.kind ?? "")[0];
  const paramType = params && typeOf(params);
  const found = new Map<string, string[]>();
  for (const kind of checkedKinds(spec, kinds)) {
    const object = typeOf(kind);
    if (!object) continue;
    const compiled = compilePolicy(spec, { object, ...paramType && { params: paramType } });
    const name = `${kind.group ? `${kind.group}/` : "/"}${kind.version}, Kind=${kind.kind}`;
    for (const [index, { expression, message }] of compiled.validations.entries()) {
      note(found, `spec.validations[${index}].expression`, name, expression);
      note(found, `spec.validations[${index}].messageExpression`, name, message);
    }
  }
  return [...found].map(([fieldRef, texts]) => ({ fieldRef, warning: texts.join("\n") }));
}

function note(
  found: Map<string, string[]>,
  fieldRef: string,
  kind: string,
  expression: CompiledExpression | undefined,
): void {
  const isWrong = expression && "fault" in expression &&
    expression.fault.startsWith("compilation failed");
  if (!isWrong) return;
  const texts = found.get(fieldRef) ?? [];
  found.set(fieldRef, texts);
  texts.push(`${kind}: ${expression.fault}\n`);
}

function typeOf({ kind, schema }: CheckedKind): CelType | undefined {
  return shapeOf(schema, { name: kind, isRoot: true })?.type;
}

/** The kinds that the rules name one by one, in their order by group, version and kind. */
function checkedKinds(
  { matchConstraints }: PolicySpec,
  kinds: readonly AnyResource[],
): readonly CheckedKind[] {
  const found = new Map<string, CheckedKind>();
  for (const rule of matchConstraints?.resourceRules ?? []) {
    const { apiGroups = [], apiVersions = [], resources = [] } = rule;
    if ([...apiGroups, ...apiVersions].some((word) => word.includes("*"))) continue;
    const plain = resources.filter((name) => !/[*/]/.test(name));
    for (const kind of kinds.filter(({ plural }) => plain.includes(plural)).flatMap(versions)) {
      const isMeant = apiGroups.includes(kind.group) && apiVersions.includes(kind.version);
      if (isMeant) found.set(`${kind.group}\0${kind.version}\0${kind.kind}`, kind);
    }
  }
  const sorted = [...found].sort(([a], [b]) => a < b ? -1 : 1);
  return sorted.slice(0, KINDS_MAX).map(([, kind]) => kind);
}

function kindsNamed(
  kinds: readonly AnyResource[],
  apiVersion: string,
  name: string,
): readonly CheckedKind[] {
  return kinds.filter(({ kind }) => kind === name).flatMap(versions).filter(({ group, version }) =>
    apiVersion === (group ? `${group}/${version}` : version)
  );
}

function versions(resource: AnyResource): readonly CheckedKind[] {
  const { kind } = resource;
  return [resource, ...resource.servedVersions].map(({ group, version, schema }) => {
    const structural = schema as StructuralSchema; // the same words
    return { group, version, kind, schema: structural };
  });
}
