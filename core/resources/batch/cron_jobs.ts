import { isEqual } from "../../lib/equality.ts";
import { type Cause, invalid, notSupported } from "../../schema/causes.ts";
import { ageOf } from "../../schema/durations.ts";
import { templateMeta } from "../../schema/metadata.ts";
import { objectReference } from "../../schema/references.ts";
import {
  boolean,
  fallback,
  integer,
  kept,
  list,
  long,
  object,
  oneOf,
  present,
  required,
  string,
  time,
  type TypeOf,
} from "../../schema/schema.ts";
import { ageColumn, imagesText, nameColumn, namesText, selectorText } from "../columns.ts";
import { nameWarnings, withTemplatePrepared } from "../core/pods/template_rules.ts";
import { type Column, defineResource, type NamespacedObject, type ObjectOf } from "../resource.ts";
import { scheduleFault } from "./cron_schedule.ts";
import { jobSpecCauses } from "./job_rules.ts";
import { jobSpec } from "./job_shape.ts";
import { jobSpecWarnings } from "./jobs.ts";

const cronJobSpec = object("When Jobs are made, and what they are like.", {
  schedule: required(string("Minute, hour, day, month and day of the week, as cron has them.")),
  timeZone: kept(string("Time zone of the schedule; absent: that of the controller.")),
  startingDeadlineSeconds: long("Seconds by which a Job may be late.", { minimum: 0 }),
  concurrencyPolicy: fallback(
    "Allow",
    oneOf("What happens when the last Job still runs.", ["Allow", "Forbid", "Replace"]),
  ),
  suspend: fallback(false, boolean("Whether it makes no Jobs for now.")),
  jobTemplate: required(object("What its Jobs are like.", {
    metadata: templateMeta,
    spec: required(jobSpec),
  })),
  successfulJobsHistoryLimit: fallback(
    3,
    integer("How many complete Jobs are kept.", { minimum: 0 }),
  ),
  failedJobsHistoryLimit: fallback(1, integer("How many failed Jobs are kept.", { minimum: 0 })),
});
type CronJobSpec = TypeOf<typeof cronJobSpec>;

const cronJobStatus = object("How the CronJob is.", {
  active: list("Jobs that run.", objectReference),
  lastScheduleTime: time("When a Job was last due and made."),
  lastSuccessfulTime: time("When a Job last was complete."),
});

type Shape = NamespacedObject & { spec: CronJobSpec; status: TypeOf<typeof cronJobStatus> };

const columns: readonly Column<Shape>[] = [
  nameColumn,
  { name: "Schedule", description: "When Jobs are made.", value: ({ spec }) => spec.schedule },
  {
    name: "Timezone",
    description: "Time zone of the schedule.",
    value: ({ spec }) => spec.timeZone ?? "<none>",
  },
  {
    name: "Suspend",
    description: "Whether it makes no Jobs for now.",
    type: "boolean",
    value: ({ spec }) => spec.suspend ? "True" : "False",
  },
  {
    name: "Active",
    description: "How many of its Jobs run.",
    type: "integer",
    value: ({ status }) => status.active?.length ?? 0,
  },
  {
    name: "Last Schedule",
    description: "Time since a Job was last due and made.",
    value: ({ status: { lastScheduleTime } }, nowMs) =>
      lastScheduleTime === undefined ? "<none>" : ageOf(lastScheduleTime, nowMs),
  },
  ageColumn,
  {
    name: "Containers",
    description: "Names of the containers.",
    priority: 1,
    value: ({ spec }) => namesText(spec.jobTemplate.spec.template.spec.containers),
  },
  {
    name: "Images",
    description: "Images of the containers.",
    priority: 1,
    value: ({ spec }) => imagesText(spec.jobTemplate.spec.template.spec.containers),
  },
  {
    name: "Selector",
    description: "Labels that the pods of its Jobs have.",
    priority: 1,
    value: ({ spec }) => selectorText(spec.jobTemplate.spec.selector ?? {}),
  },
];

/** https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ */
export const cronJobs = defineResource({
  group: "batch",
  version: "v1",
  kind: "CronJob",
  plural: "cronjobs",
  shortNames: ["cj"],
  categories: ["all"],
  namespaced: true,
  schema: object("Makes Jobs at the times of a schedule.", {
    spec: required(cronJobSpec),
    status: present(cronJobStatus),
  }),
  columns,
  prepare: (next, previous) => {
    const { spec } = next;
    if (spec === previous?.spec) return next;
    const { jobTemplate } = spec;
    const template = withTemplatePrepared(jobTemplate.spec.template);
    const job = { ...jobTemplate, spec: { ...jobTemplate.spec, template } };
    return { ...next, spec: { ...spec, jobTemplate: job } };
  },
  validate: ({ metadata, spec }, previous) => [
    ...cronJobCauses(spec, previous?.spec),
    ...(previous || metadata.name.length <= NAME_CHARS_MAX ? [] : [
      invalid("metadata.name", metadata.name, `must be no more than ${NAME_CHARS_MAX} characters`),
    ]),
  ],
  warnings: (next, previous) => [
    ...nameWarnings(next, previous),
    ...jobSpecWarnings(
      next.spec.jobTemplate.spec,
      previous?.spec.jobTemplate.spec,
      "spec.jobTemplate.spec",
    ),
    ...(previous && next.spec.schedule.includes("TZ")
      ? [
        "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details",
      ]
      : []),
  ],
});

export type CronJob = ObjectOf<typeof cronJobs>;

/** Its Jobs are named after it, with 11 characters more, and have at most 63. */
const NAME_CHARS_MAX = 52;

/** In the words of k8s.io/kubernetes/pkg/apis/batch/validation. */
function cronJobCauses(next: CronJobSpec, previous: CronJobSpec | undefined): Cause[] {
  if (previous && isEqual(next, previous)) return [];
  const { selector, manualSelector } = next.jobTemplate.spec;
  const causes = [
    ...scheduleCauses(next, previous),
    ...(previous && previous.timeZone === next.timeZone ? [] : timeZoneCauses(next.timeZone)),
    ...jobSpecCauses(
      next.jobTemplate.spec,
      previous?.jobTemplate.spec,
      "spec.jobTemplate.spec",
    ),
  ];
  const field = "spec.jobTemplate.spec";
  if (selector) {
    causes.push(invalid(`${field}.selector`, selector, "`selector` will be auto-generated"));
  }
  if (manualSelector) {
    causes.push(notSupported(`${field}.manualSelector`, manualSelector, ["nil", "false"]));
  }
  return causes;
}

function scheduleCauses(
  { schedule, timeZone }: CronJobSpec,
  previous: CronJobSpec | undefined,
): Cause[] {
  const fault = scheduleFault(schedule);
  const causes = fault === undefined ? [] : [invalid("spec.schedule", schedule, fault)];
  if (!schedule.includes("TZ")) return causes;
  const rule = !previous?.schedule.includes("TZ")
    ? "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
    : timeZone !== undefined
    ? "cannot use both timeZone field and TZ or CRON_TZ in schedule"
    : undefined;
  return rule === undefined ? causes : [...causes, invalid("spec.schedule", schedule, rule)];
}

function timeZoneCauses(timeZone: string | undefined): Cause[] {
  if (timeZone === undefined) return [];
  const refuse = (rule: string) => invalid("spec.timeZone", timeZone, rule);
  if (timeZone === "") return [refuse("timeZone must be nil or non-empty string")];
  const isName = timeZone.split("/").every((part) =>
    part !== "." && part !== ".." && /^[A-Za-z._0-9+][A-Za-z._0-9+-]{0,13}$/.test(part)
  );
  if (!isName) return [refuse(`unknown time zone ${timeZone}`)];
  if (timeZone.toLowerCase() === "local") {
    return [refuse(
      "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
    )];
  }
  return isKnownTimeZone(timeZone) ? [] : [refuse(`unknown time zone ${timeZone}`)];
}

function isKnownTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
