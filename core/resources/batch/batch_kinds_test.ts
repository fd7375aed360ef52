import assert from "node:assert/strict";
import { made, rowOf } from "../resource_fixture.ts";
import { cronJobs } from "./cron_jobs.ts";
import { scheduleFault } from "./cron_schedule.ts";
import { commonIndex, indexesIn } from "./index_intervals.ts";
import { type Job, jobs } from "./jobs.ts";

const template = {
  spec: { restartPolicy: "Never", containers: [{ name: "pi", image: "perl:5" }] },
};
const pi = { metadata: { name: "pi" }, spec: { template } };

function causesOf(change: object, previous?: Job): string[] {
  return made(jobs, { ...pi, spec: { template, ...change } }, previous).causes;
}

Deno.test("a Job gets a selector that finds its own pods, and the defaults of Kubernetes", () => {
  const { object, causes, warnings } = made(jobs, pi);
  const labels = {
    "job-name": "pi",
    "batch.kubernetes.io/job-name": "pi",
    "controller-uid": "u-1",
    "batch.kubernetes.io/controller-uid": "u-1",
  };
  assert.deepEqual({ causes, warnings }, {
    causes: [],
    warnings: [],
  });
  const { template: made_, ...spec } = object.spec;
  assert.deepEqual(spec, {
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: "TerminatingOrFailed",
    selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "u-1" } },
  });
  assert.deepEqual(made_.metadata, { labels });
  assert.deepEqual(object.metadata.labels, labels);
  assert.deepEqual(made(jobs, object, object).causes, []);
});

for (
  const [name, change, causes] of [
    ["pods that never end", {
      template: { spec: { containers: template.spec.containers } },
    }, [
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ]],
    ["limits per index without indexes", { backoffLimitPerIndex: 1, maxFailedIndexes: 1 }, [
      "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
      "spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode",
    ]],
    [
      "failed indexes without a limit for each",
      { completionMode: "Indexed", maxFailedIndexes: 2 },
      [
        "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
        "spec.maxFailedIndexes: Invalid value: 2: must be less than or equal to completions",
      ],
    ],
    ["a policy that says nothing", { podFailurePolicy: { rules: [{}] } }, [
      'spec.podFailurePolicy.rules[0].action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]',
      "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required",
    ]],
    ["exit codes that cannot be", {
      podFailurePolicy: {
        rules: [{
          action: "FailIndex",
          onExitCodes: { operator: "In", containerName: "x", values: [2, 0] },
        }],
      },
    }, [
      'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
      'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template',
      "spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
      "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,0]: must be ordered",
    ]],
    ["replacing pods too early", {
      podReplacementPolicy: "TerminatingOrFailed",
      podFailurePolicy: {
        rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }],
      },
    }, [
      'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
    ]],
    ["too few indexes to succeed", {
      completionMode: "Indexed",
      completions: 3,
      successPolicy: { rules: [{ succeededIndexes: "0-1,3" }, { succeededCount: 4 }, {}] },
    }, [
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-1,3": error parsing succeededIndexes: too large index: "3"',
      "spec.successPolicy.rules[1].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)",
      "spec.successPolicy.rules[2]: Required value: at least one of succeededCount or succeededIndexes must be specified",
    ]],
    ["a manager without a domain", { managedBy: "me" }, [
      'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")',
    ]],
    ["labels of another Job", {
      template: { ...template, metadata: { labels: { "job-name": "e" } } },
    }, [
      'spec.template.metadata.labels[job-name]: Invalid value: {"job-name":"e","batch.kubernetes.io/job-name":"pi","controller-uid":"u-1","batch.kubernetes.io/controller-uid":"u-1"}: must be \'pi\'',
    ]],
    ["a selector that it must find itself", { manualSelector: true }, [
      "spec.selector: Required value",
    ]],
  ] as const
) {
  Deno.test(`a Job is refused for ${name}`, () => {
    assert.deepEqual(causesOf(change), causes);
  });
}

Deno.test("a Job cannot change what its pods are, unless it has not begun", () => {
  const { object } = made(jobs, pi);
  const moved = {
    ...object.spec.template,
    spec: { ...object.spec.template.spec, nodeSelector: { zone: "a" } },
  };
  const change = (spec: object) => ({ ...object.spec, ...spec });
  assert.equal(causesOf(change({ template: moved }), object).length, 1);
  const suspended = made(jobs, { ...pi, spec: { template, suspend: true } }).object;
  assert.deepEqual(causesOf({ ...suspended.spec, template: moved }, suspended), []);
  assert.deepEqual(causesOf(change({ completions: 2, parallelism: 3, suspend: true }), object), [
    "spec.completions: Invalid value: 2: field is immutable",
  ]);
});

Deno.test("the state of a Job cannot contradict itself", () => {
  const { object } = made(jobs, pi);
  const condition = (type: string) => ({ type, status: "True" as const });
  const statusCauses = (status: object, previous: object = {}) =>
    jobs.validateStatus!({ ...object, status } as Job, { ...object, status: previous } as Job)
      .map(({ field, message }) => `${field}: ${message}`);
  const done = {
    conditions: [condition("SuccessCriteriaMet"), condition("Complete")],
    startTime: "2026-01-01T00:00:00Z",
    completionTime: "2026-01-01T00:01:00Z",
    succeeded: 1,
  };
  assert.deepEqual(statusCauses(done), []);
  assert.deepEqual(statusCauses({ ...done, active: 1, completionTime: "2025-01-01T00:00:00Z" }), [
    'status.completionTime: Invalid value: "2025-01-01T00:00:00Z": must be equal to or after `startTime`',
    "status.active: Invalid value: 1: active>0 is invalid for finished job",
  ]);
  assert.deepEqual(statusCauses({ conditions: [condition("Complete")] }), [
    "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
    "status.completionTime: Required value: completionTime is required for Complete jobs",
    "status.startTime: Required value: startTime is required for finished job",
  ]);
  assert.deepEqual(statusCauses({}, done), [
    "status.conditions: Invalid value: cannot disable the terminal Complete=True condition",
    "status.succeeded: Invalid value: 0: cannot decrease the succeeded counter",
    "status.startTime: Required value: startTime cannot be removed for unsuspended job",
    "status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition",
  ]);
});

Deno.test("indexes are read as Kubernetes reads them", () => {
  assert.deepEqual(indexesIn("", 5), { count: 0 });
  assert.deepEqual(indexesIn("0,2-4", 5), { count: 4 });
  assert.deepEqual(indexesIn("2,1", 5), {
    fault: "non-increasing order, previous: 2, current: 1",
  });
  assert.deepEqual(indexesIn("1-2-3", 5), {
    fault:
      "the fragment \"1-2-3\" violates the requirement that an index interval can have at most two parts separated by '-'",
  });
  assert.deepEqual(indexesIn("a", 5), {
    fault: 'cannot convert string to integer for index: "a"',
  });
  assert.equal(commonIndex("0-2,5", "3-4,5", 9), 5);
  assert.equal(commonIndex("0-2,5", "3-4", 9), undefined);
});

Deno.test("kubectl shows a Job with its state", () => {
  const { object } = made(jobs, pi);
  assert.deepEqual(rowOf(jobs, object, { wide: true }), {
    Name: "pi",
    Status: "Running",
    Completions: "0/1",
    Duration: "",
    Age: "5m",
    Containers: "pi",
    Images: "perl:5",
    Selector: "batch.kubernetes.io/controller-uid=u-1",
  });
  assert.equal(jobs.fields["status.successful"]!(object), "0");
});

for (
  const [schedule, fault] of [
    ["*/5 0-6/2 1,15 jan-Mar MON", undefined],
    ["@hourly", undefined],
    ["@every 1h30m", undefined],
    ["@often", "unrecognized descriptor: @often"],
    ["* * * *", "expected exactly 5 fields, found 4: [* * * *]"],
    ["60 * * * *", "end of range (60) above maximum (59): 60"],
    ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
    ["5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"],
    ["*/0 * * * *", "step of range should be a positive number: */0"],
    ["1-2-3 * * * *", "too many hyphens: 1-2-3"],
    ["1/2/3 * * * *", "too many slashes: 1/2/3"],
    ["a * * * *", 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
  ] as const
) {
  Deno.test(`the schedule ${schedule} is ${fault ?? "fine"}`, () => {
    assert.equal(scheduleFault(schedule), fault);
  });
}

const hourly = { metadata: { name: "pi" }, spec: { schedule: "0 * * * *", jobTemplate: pi } };

Deno.test("a CronJob gets the defaults of Kubernetes, and its template none of a Job", () => {
  const { object, causes } = made(cronJobs, {
    ...hourly,
    spec: { ...hourly.spec, jobTemplate: { spec: { template } } },
  });
  assert.deepEqual(causes, []);
  const { jobTemplate, ...spec } = object.spec;
  assert.deepEqual(spec, {
    schedule: "0 * * * *",
    concurrencyPolicy: "Allow",
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  });
  assert.deepEqual(Object.keys(jobTemplate.spec), ["template"]);
  assert.deepEqual(rowOf(cronJobs, object), {
    Name: "pi",
    Schedule: "0 * * * *",
    Timezone: "<none>",
    Suspend: "False",
    Active: 0,
    "Last Schedule": "<none>",
    Age: "5m",
  });
});

for (
  const [name, change, causes] of [
    ["a time zone in its schedule", { schedule: "TZ=UTC 0 * * * *" }, [
      'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ]],
    ["a time zone that is none", { timeZone: "Mars/Olympus" }, [
      'spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus',
    ]],
    ["an empty time zone", { timeZone: "" }, [
      'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string',
    ]],
    ["a selector for its Jobs", {
      jobTemplate: { spec: { template, manualSelector: true, selector: {} } },
    }, [
      "spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated",
      'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
    ]],
  ] as const
) {
  Deno.test(`a CronJob is refused for ${name}`, () => {
    const { causes: found } = made(cronJobs, { ...hourly, spec: { ...hourly.spec, ...change } });
    assert.deepEqual(found, causes);
  });
}

Deno.test("a CronJob leaves room for the time in the names of its Jobs", () => {
  const { causes } = made(cronJobs, { ...hourly, metadata: { name: "a".repeat(53) } });
  assert.deepEqual(causes.map((text) => text.replace(/a{9,}/, "…")), [
    'metadata.name: Invalid value: "…": must be no more than 52 characters',
  ]);
});
