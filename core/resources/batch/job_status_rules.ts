import { isEqual } from "../../lib/equality.ts";
import { type Cause, inconsistent, invalid, missing } from "../../schema/causes.ts";
import { isConditionTrue } from "../conditions.ts";
import { commonIndex, indexesIn } from "./index_intervals.ts";
import type { JobSpec, JobStatus } from "./job_shape.ts";

interface Job {
  spec: JobSpec;
  status: JobStatus;
}

/**
 * What a status may not say, in the words of `ValidateJobUpdateStatus`. Most rules are asked only when what they are about
 * changes, so that a status which breaks one can still be changed elsewhere.
 */
export function jobStatusCauses(next: Job, previous: Job): Cause[] {
  return [
    ...endCauses(next, previous),
    ...timeCauses(next, previous),
    ...countCauses(next, previous),
    ...indexCauses(next, previous),
    ...successCauses(next),
    ...stepBackCauses(next, previous),
  ];
}

type Type = "Complete" | "Failed" | "FailureTarget" | "SuccessCriteriaMet" | "Suspended";

function has({ status }: Job, type: Type): boolean {
  return isConditionTrue(status.conditions, type);
}

function isFinished(job: Job): boolean {
  return has(job, "Complete") || has(job, "Failed");
}

/** Whether one of the conditions came or went. */
function flips(next: Job, previous: Job, ...types: Type[]): boolean {
  return types.some((type) => has(next, type) !== has(previous, type));
}

function differs(next: Job, previous: Job, ...names: (keyof JobStatus)[]): boolean {
  return names.some((name) => !isEqual(next.status[name], previous.status[name]));
}

function endCauses(next: Job, previous: Job): Cause[] {
  const [complete, failed] = [has(next, "Complete"), has(next, "Failed")];
  const rules: [boolean, string][] = [
    [
      flips(next, previous, "Complete", "Failed") && complete && failed,
      "cannot set Complete=True and Failed=true conditions",
    ],
    [
      flips(next, previous, "Complete", "FailureTarget") && complete && has(next, "FailureTarget"),
      "cannot set Complete=True and FailureTarget=true conditions",
    ],
    [
      (flips(next, previous, "Failed") || differs(next, previous, "failedIndexes")) &&
      failed && !has(next, "FailureTarget"),
      "cannot set Failed=True condition without the FailureTarget=true condition",
    ],
    [
      flips(next, previous, "Complete", "SuccessCriteriaMet") &&
      complete && !has(next, "SuccessCriteriaMet"),
      "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
    ],
  ];
  return causesOf(rules);
}

function causesOf(rules: readonly [isBroken: boolean, rule: string][]): Cause[] {
  return rules.filter(([isBroken]) => isBroken)
    .map(([, rule]) => inconsistent("status.conditions", rule));
}

function timeCauses(next: Job, previous: Job): Cause[] {
  const { completionTime, startTime } = next.status;
  const causes: Cause[] = [];
  if (flips(next, previous, "Complete") || differs(next, previous, "completionTime")) {
    if (completionTime !== undefined && !has(next, "Complete")) {
      const rule = "cannot set completionTime when there is no Complete=True condition";
      causes.push(invalid("status.completionTime", completionTime, rule));
    }
    if (completionTime === undefined && has(next, "Complete")) {
      const rule = "completionTime is required for Complete jobs";
      causes.push(missing("status.completionTime", rule));
    }
  }
  const isEarly = startTime !== undefined && completionTime !== undefined &&
    Date.parse(completionTime) < Date.parse(startTime);
  if (isEarly && differs(next, previous, "startTime", "completionTime")) {
    const rule = "must be equal to or after `startTime`";
    causes.push(invalid("status.completionTime", completionTime, rule));
  }
  const isFinishing = isFinished(next) !== isFinished(previous) ||
    differs(next, previous, "startTime");
  const isIdle = next.spec.suspend === true && next.spec.completions === 0;
  if (isFinishing && !isIdle && startTime === undefined && isFinished(next)) {
    causes.push(missing("status.startTime", "startTime is required for finished job"));
  }
  return causes;
}

function countCauses(next: Job, previous: Job): Cause[] {
  const { active = 0, ready = 0, terminating = 0, uncountedTerminatedPods } = next.status;
  const { succeeded = [], failed = [] } = uncountedTerminatedPods ?? {};
  const isFinishing = isFinished(next) !== isFinished(previous);
  const finishes = (name: keyof JobStatus) =>
    isFinished(next) && (isFinishing || differs(next, previous, name));
  const causes: Cause[] = [];
  if (active > 0 && finishes("active")) {
    causes.push(invalid("status.active", active, "active>0 is invalid for finished job"));
  }
  if (succeeded.length + failed.length > 0 && finishes("uncountedTerminatedPods")) {
    const rule = "must be empty for finished job";
    causes.push(invalid("status.uncountedTerminatedPods", uncountedTerminatedPods, rule));
  }
  if (terminating > 0 && finishes("terminating")) {
    const rule = "terminating>0 is invalid for finished job";
    causes.push(invalid("status.terminating", terminating, rule));
  }
  if (ready > active && differs(next, previous, "ready", "active")) {
    causes.push(invalid("status.ready", ready, "cannot set more ready pods than active"));
  }
  return causes;
}

function indexCauses(next: Job, previous: Job): Cause[] {
  const { completions, backoffLimitPerIndex, completionMode } = next.spec;
  const { completedIndexes: done = "", failedIndexes: failed } = next.status;
  const [doneChanges, failedChanges] = [
    differs(next, previous, "completedIndexes"),
    differs(next, previous, "failedIndexes"),
  ];
  const causes: Cause[] = [];
  const refuse = (name: "completedIndexes" | "failedIndexes", rule: string) =>
    causes.push(invalid(`status.${name}`, next.status[name] ?? "", rule));
  const check = (name: "completedIndexes" | "failedIndexes", text: string) => {
    const found = indexesIn(text, completions ?? 0);
    if ("fault" in found) refuse(name, `error parsing ${name}: ${found.fault}`);
  };
  if (doneChanges && completions !== undefined) check("completedIndexes", done);
  const isCountedByIndex = completions !== undefined && backoffLimitPerIndex !== undefined;
  if (failedChanges && isCountedByIndex && failed !== undefined) check("failedIndexes", failed);
  if (doneChanges && done !== "" && completionMode !== "Indexed") {
    const rule = "cannot set non-empty completedIndexes when non-indexed completion mode";
    refuse("completedIndexes", rule);
  }
  if (failedChanges && failed !== undefined && backoffLimitPerIndex === undefined) {
    refuse("failedIndexes", "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
  }
  if ((doneChanges || failedChanges) && failed !== undefined && completions !== undefined) {
    const common = commonIndex(done, failed, completions);
    const rule = `failedIndexes and completedIndexes overlap at index: ${common}`;
    if (common !== undefined) refuse("failedIndexes", rule);
  }
  return causes;
}

function successCauses(next: Job): Cause[] {
  const isMet = has(next, "SuccessCriteriaMet");
  return causesOf([
    [
      isMet && has(next, "Failed"),
      "cannot set SuccessCriteriaMet=True and Failed=true conditions",
    ],
    [
      isMet && has(next, "FailureTarget"),
      "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
    ],
    [
      next.spec.successPolicy !== undefined && !isMet && has(next, "Complete"),
      "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
    ],
  ]);
}

/** What is decided stays so, and what is counted is not taken back. */
function stepBackCauses(next: Job, previous: Job): Cause[] {
  const { status, spec } = next;
  const causes = causesOf((["Failed", "Complete", "FailureTarget"] as const).map((type) => [
    has(previous, type) && !has(next, type),
    `cannot disable the terminal ${type}=True condition`,
  ]));
  const mayShrink = spec.completionMode === "Indexed" && spec.completions === spec.parallelism;
  for (const name of ["failed", "succeeded"] as const) {
    if (name === "succeeded" && mayShrink) continue;
    if ((status[name] ?? 0) >= (previous.status[name] ?? 0)) continue;
    causes.push(
      invalid(`status.${name}`, status[name] ?? 0, `cannot decrease the ${name} counter`),
    );
  }
  const { completionTime, startTime } = status;
  const { completionTime: ended, startTime: began } = previous.status;
  if (completionTime !== undefined && ended !== undefined && completionTime !== ended) {
    causes.push(invalid("status.completionTime", completionTime, "field is immutable"));
  }
  const isResuming = has(previous, "Suspended") && !has(next, "Suspended");
  if (began !== undefined && startTime !== began && !spec.suspend && !isResuming) {
    const rule = "startTime cannot be removed for unsuspended job";
    causes.push(missing("status.startTime", rule));
  }
  return [
    ...causes,
    ...causesOf([
      [
        has(previous, "SuccessCriteriaMet") && !has(next, "SuccessCriteriaMet"),
        "cannot disable the SuccessCriteriaMet=True condition",
      ],
      [
        has(previous, "Complete") && !has(previous, "SuccessCriteriaMet") &&
        has(next, "SuccessCriteriaMet"),
        "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions",
      ],
    ]),
  ];
}
