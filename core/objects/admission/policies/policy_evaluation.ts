import type { CompiledPolicy } from "../../../resources/admissionregistration/policy_expressions.ts";
import type { PolicySpec } from "../../../resources/admissionregistration/policy_shape.ts";
import {
  conditionsHold,
  Evaluation,
  POLICY_COST_MAX,
  PolicyVariables,
} from "./expression_evaluation.ts";
import { RequestVariables, type SeenRequest } from "./request_variables.ts";

/** What a policy has against a request. */
export interface Denial {
  readonly message: string;
  /** Of the refusal; absent: Invalid. */
  readonly reason?: string;
  /** Which rule it is; 0 when it is none. */
  readonly index: number;
}

/** Characters of what a messageExpression makes. */
const MESSAGE_LENGTH_MAX = 5 * 1024;
/** Bytes of the value of an annotation. */
const ANNOTATION_LENGTH_MAX = 10 * 1024;

/** What a policy says to a request. */
export interface PolicyVerdict {
  readonly denials: readonly Denial[];
  /** Errors of annotations: they refuse the request whatever the actions of the binding are. */
  readonly annotationErrors: readonly string[];
  readonly annotations: ReadonlyMap<string, string>;
}

const NOTHING: PolicyVerdict = { denials: [], annotationErrors: [], annotations: new Map() };

/**
 * Evaluates a policy. Never throws. Source: apiserver pkg/admission/plugin/policy/validating/validator.go
 */
export function evaluatePolicy(
  spec: PolicySpec,
  compiled: CompiledPolicy,
  request: SeenRequest,
  params: unknown,
): PolicyVerdict {
  const isStrict = spec.failurePolicy !== "Ignore";
  const requestVariables = new RequestVariables(request, params);
  const holds = conditionsHold(compiled.matchConditions, requestVariables);
  if (holds === false) return NOTHING;
  if (holds !== true) {
    return isStrict ? { ...NOTHING, denials: [{ message: holds.error, index: 0 }] } : NOTHING;
  }
  const variables = new PolicyVariables(compiled.variables, requestVariables);
  const evaluation = new Evaluation(variables.bindings, POLICY_COST_MAX);
  variables.evaluation = evaluation;
  const denials: Denial[] = [];
  for (const [index, rule] of compiled.validations.entries()) {
    const outcome = evaluation.evaluate(rule.expression);
    if ("error" in outcome) {
      if (isStrict) denials.push({ message: outcome.error, index });
    } else if (outcome.value !== true) {
      const { reason = "Invalid" } = spec.validations![index]!;
      denials.push({ message: messageOf(spec, compiled, index, evaluation), reason, index });
    }
  }
  return { denials, ...annotated(compiled, variables, isStrict) };
}

function messageOf(
  { validations = [] }: PolicySpec,
  compiled: CompiledPolicy,
  index: number,
  evaluation: Evaluation,
): string {
  const { message: written = "", expression = "" } = validations[index]!;
  const { message } = compiled.validations[index]!;
  const outcome = message && evaluation.evaluate(message);
  const made = outcome && "value" in outcome && typeof outcome.value === "string"
    ? outcome.value.trim()
    : "";
  const isUsable = made !== "" && made.length <= MESSAGE_LENGTH_MAX && !made.includes("\n");
  return isUsable ? made : written.trim() || `failed expression: ${expression.trim()}`;
}

function annotated(
  { auditAnnotations }: CompiledPolicy,
  variables: PolicyVariables,
  isStrict: boolean,
): Pick<PolicyVerdict, "annotationErrors" | "annotations"> {
  const evaluation = new Evaluation(variables.bindings, POLICY_COST_MAX);
  const annotations = new Map<string, string>();
  const annotationErrors: string[] = [];
  for (const { key, expression } of auditAnnotations) {
    const outcome = evaluation.evaluate(expression);
    if ("error" in outcome) {
      if (isStrict) annotationErrors.push(outcome.error);
      continue;
    }
    const value = typeof outcome.value === "string" ? outcome.value.trim() : "";
    if (value !== "") annotations.set(key, value.slice(0, ANNOTATION_LENGTH_MAX));
  }
  return { annotationErrors, annotations };
}
