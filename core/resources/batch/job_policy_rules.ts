import {
  type Cause,
  inconsistent,
  invalid,
  missing,
  notSupported,
  tooLong,
  tooMany,
} from "../../schema/causes.ts";
import { qualifiedNameFaults } from "../../schema/names.ts";
import { nonNegativeCauses } from "../../schema/value_rules.ts";
import { indexesIn } from "./index_intervals.ts";
import type { ExitCodes, FailureRule, JobSpec, SuccessRule } from "./job_shape.ts";

const ACTIONS = ["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS = ["In", "NotIn"];
const STATUSES = ["False", "True", "Unknown"];
const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;
const CONDITIONS_MAX = 20;
const INDEXES_BYTES_MAX = 64 * 1024;

export function failurePolicyCauses(spec: JobSpec, field: string): Cause[] {
  if (!spec.podFailurePolicy) return [];
  const { rules = [] } = spec.podFailurePolicy;
  const { containers = [], initContainers = [] } = spec.template.spec;
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  const causes = rules.length > RULES_MAX
    ? [tooMany(`${field}.rules`, rules.length, RULES_MAX)]
    : [];
  for (const [i, rule] of rules.entries()) {
    causes.push(...failureRuleCauses(spec, rule, { field: `${field}.rules[${i}]`, names }));
  }
  return causes;
}

function failureRuleCauses(
  { backoffLimitPerIndex }: JobSpec,
  { action = "", onExitCodes, onPodConditions = [] }: FailureRule,
  { field, names }: { field: string; names: ReadonlySet<string> },
): Cause[] {
  const causes: Cause[] = [];
  if (action === "") causes.push(missing(`${field}.action`, validValues(ACTIONS)));
  else if (action === "FailIndex" && backoffLimitPerIndex === undefined) {
    const rule = "requires the backoffLimitPerIndex to be set";
    causes.push(invalid(`${field}.action`, action, rule));
  } else if (!ACTIONS.includes(action)) {
    causes.push(notSupported(`${field}.action`, action, ACTIONS));
  }
  if (onExitCodes) causes.push(...exitCodeCauses(onExitCodes, `${field}.onExitCodes`, names));
  causes.push(...conditionCauses(onPodConditions, `${field}.onPodConditions`));
  if (onExitCodes && onPodConditions.length > 0) {
    const rule = "specifying both OnExitCodes and OnPodConditions is not supported";
    causes.push(inconsistent(field, rule));
  }
  if (!onExitCodes && onPodConditions.length === 0) {
    const rule = "specifying one of OnExitCodes and OnPodConditions is required";
    causes.push(inconsistent(field, rule));
  }
  return causes;
}

function conditionCauses(
  patterns: NonNullable<FailureRule["onPodConditions"]>,
  field: string,
): Cause[] {
  const causes = patterns.length > CONDITIONS_MAX
    ? [tooMany(field, patterns.length, CONDITIONS_MAX)]
    : [];
  for (const [i, { type = "", status }] of patterns.entries()) {
    const faults = qualifiedNameFaults(type);
    causes.push(...faults.map((fault) => invalid(`${field}[${i}].type`, type, fault)));
    if (STATUSES.includes(status)) continue;
    causes.push(notSupported(`${field}[${i}].status`, status, STATUSES));
  }
  return causes;
}

function exitCodeCauses(
  { operator = "", containerName, values = [] }: ExitCodes,
  field: string,
  names: ReadonlySet<string>,
): Cause[] {
  const causes: Cause[] = [];
  if (operator === "") causes.push(missing(`${field}.operator`, validValues(OPERATORS)));
  else if (!OPERATORS.includes(operator)) {
    causes.push(notSupported(`${field}.operator`, operator, OPERATORS));
  }
  if (containerName !== undefined && !names.has(containerName)) {
    const rule = "must be one of the container or initContainer names in the pod template";
    causes.push(invalid(`${field}.containerName`, containerName, rule));
  }
  if (values.length === 0) {
    causes.push(invalid(`${field}.values`, values, "at least one value is required"));
  } else if (values.length > EXIT_CODES_MAX) {
    causes.push(tooMany(`${field}.values`, values.length, EXIT_CODES_MAX));
  }
  for (const [i, value] of values.entries()) {
    if (operator !== "In" || value !== 0) continue;
    causes.push(invalid(`${field}.values[${i}]`, value, "must not be 0 for the In operator"));
  }
  if (values.some((value, i) => i > 0 && values[i - 1]! > value)) {
    causes.push(invalid(`${field}.values`, values, "must be ordered"));
  }
  return causes;
}

export function successPolicyCauses(spec: JobSpec, field: string): Cause[] {
  const { successPolicy, completionMode } = spec;
  if (!successPolicy) return [];
  if (completionMode !== "Indexed") {
    return [invalid(field, successPolicy, "requires indexed completion mode")];
  }
  const { rules = [] } = successPolicy;
  const causes: Cause[] = [];
  if (rules.length === 0) {
    const rule = "at least one rules must be specified when the successPolicy is specified";
    causes.push(missing(`${field}.rules`, rule));
  }
  if (rules.length > RULES_MAX) causes.push(tooMany(`${field}.rules`, rules.length, RULES_MAX));
  for (const [i, rule] of rules.entries()) {
    causes.push(...successRuleCauses(spec.completions ?? 0, rule, `${field}.rules[${i}]`));
  }
  return causes;
}

function successRuleCauses(
  completions: number,
  { succeededCount: wanted, succeededIndexes: indexes }: SuccessRule,
  field: string,
): Cause[] {
  const causes: Cause[] = [];
  if (wanted === undefined && indexes === undefined) {
    const rule = "at least one of succeededCount or succeededIndexes must be specified";
    causes.push(missing(field, rule));
  }
  const found = indexes === undefined ? { count: 0 } : indexesIn(indexes, completions);
  const at = `${field}.succeededIndexes`;
  if ((indexes?.length ?? 0) > INDEXES_BYTES_MAX) causes.push(tooLong(at, INDEXES_BYTES_MAX));
  if ("fault" in found) {
    causes.push(invalid(at, indexes, `error parsing succeededIndexes: ${found.fault}`));
  }
  if (wanted === undefined) return causes;
  causes.push(...nonNegativeCauses(`${field}.succeededCount`, wanted));
  const limit = (most: number, what: string) =>
    invalid(
      `${field}.succeededCount`,
      wanted,
      `must be less than or equal to ${most} (the number of ${what})`,
    );
  if (wanted > completions) causes.push(limit(completions, "specified completions"));
  const count = "count" in found ? found.count : 0;
  if (indexes !== undefined && wanted > count) {
    causes.push(limit(count, "indexes in the specified succeededIndexes field"));
  }
  return causes;
}

/** As Go prints a list of words. */
function validValues(words: readonly string[]): string {
  return `valid values: [${words.map((word) => JSON.stringify(word)).join(" ")}]`;
}
