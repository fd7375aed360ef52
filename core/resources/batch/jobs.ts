import { ageOf, humanDuration } from "../../schema/durations.ts";
import { object, present, required } from "../../schema/schema.ts";
import { ageColumn, containerColumns, nameColumn, selectorText } from "../columns.ts";
import { isConditionTrue } from "../conditions.ts";
import {
  nameWarnings,
  templateWarnings,
  withTemplatePrepared,
} from "../core/pods/template_rules.ts";
import { type Column, defineResource, type NamespacedObject, type ObjectOf } from "../resource.ts";
import { jobCauses } from "./job_rules.ts";
import { type JobSpec, jobSpec, type JobStatus, jobStatus } from "./job_shape.ts";
import { jobStatusCauses } from "./job_status_rules.ts";

type Shape = NamespacedObject & { spec: JobSpec; status: JobStatus };

const columns: readonly Column<Shape>[] = [
  nameColumn,
  { name: "Status", description: "How the Job is, in a word.", value: stateOf },
  {
    name: "Completions",
    description: "How many pods succeeded, of how many.",
    value: completionsText,
  },
  {
    name: "Duration",
    description: "How long it has run, or ran.",
    value: ({ status: { startTime, completionTime } }, nowMs) => {
      if (startTime === undefined) return "";
      if (completionTime === undefined) return ageOf(startTime, nowMs);
      return humanDuration(Date.parse(completionTime) - Date.parse(startTime));
    },
  },
  ageColumn,
  ...containerColumns,
  {
    name: "Selector",
    description: "Labels that its pods have.",
    priority: 1,
    value: ({ spec }) => selectorText(spec.selector ?? {}),
  },
];

/** https://kubernetes.io/docs/concepts/workloads/controllers/job/ */
export const jobs = defineResource({
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  categories: ["all"],
  orphansByDefault:
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning",
  namespaced: true,
  schema: object("Runs pods until enough of them have succeeded.", {
    spec: required(jobSpec),
    status: present(jobStatus),
  }),
  columns,
  fields: { "status.successful": ({ status }) => String(status.succeeded ?? 0) },
  prepare: (next, previous) => {
    if (next.spec === previous?.spec) return next;
    const spec = withSelector(next, withDefaults(next.spec), previous);
    return withLabelsOfTemplate({ ...next, spec });
  },
  validate: jobCauses,
  validateStatus: jobStatusCauses,
  warnings: (next, previous) => [
    ...nameWarnings(next, previous),
    ...jobSpecWarnings(next.spec, previous?.spec, "spec"),
  ],
});

export type Job = ObjectOf<typeof jobs>;

/** After `SetDefaults_Job` in k8s.io/kubernetes/pkg/apis/batch/v1/defaults.go. */
function withDefaults(spec: JobSpec): JobSpec {
  const { completions, parallelism, podFailurePolicy, backoffLimitPerIndex } = spec;
  return {
    backoffLimit: backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1,
    completionMode: "NonIndexed",
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: podFailurePolicy ? "Failed" : "TerminatingOrFailed",
    parallelism: 1,
    ...(completions === undefined && parallelism === undefined && { completions: 1 }),
    ...spec,
    template: withTemplatePrepared(spec.template),
  };
}

/** A selector and labels by which its pods are told from all others, unless the client has its own. */
function withSelector(
  { metadata: { name, uid } }: Shape,
  spec: JobSpec,
  previous: Shape | undefined,
): JobSpec {
  if (previous || spec.manualSelector) return spec;
  const { selector, template } = spec;
  const labels = {
    "job-name": name,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "batch.kubernetes.io/controller-uid": uid,
    ...template.metadata?.labels,
  };
  const matchLabels = { "batch.kubernetes.io/controller-uid": uid, ...selector?.matchLabels };
  return {
    ...spec,
    selector: { ...selector, matchLabels },
    template: { ...template, metadata: { ...template.metadata, labels } },
  };
}

/** A Job without labels has those of its pods. */
function withLabelsOfTemplate(job: Shape): Shape {
  const { labels } = job.spec.template.metadata ?? {};
  if (!labels || Object.keys(job.metadata.labels ?? {}).length > 0) return job;
  return { ...job, metadata: { ...job.metadata, labels } };
}

const COMPLETIONS_MANY = 100_000;
const PARALLELISM_MANY = 10_000;

export function jobSpecWarnings(
  next: JobSpec,
  previous: JobSpec | undefined,
  field: string,
): string[] {
  const { completionMode, completions = 0, parallelism = 0 } = next;
  const isMuch = completionMode === "Indexed" && completions > COMPLETIONS_MANY &&
    parallelism > PARALLELISM_MANY && next !== previous;
  return [
    ...(isMuch
      ? [
        `${field}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
      ]
      : []),
    ...templateWarnings(next.template, previous?.template, `${field}.template`),
  ];
}

function stateOf({ metadata, status: { conditions } }: Shape): string {
  const has = (type: string) => isConditionTrue(conditions, type);
  if (has("Complete")) return "Complete";
  if (has("Failed")) return "Failed";
  if (metadata.deletionTimestamp !== undefined) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find(has) ?? "Running";
}

function completionsText({ spec: { completions, parallelism = 0 }, status }: Shape): string {
  const done = status.succeeded ?? 0;
  if (completions !== undefined) return `${done}/${completions}`;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}
