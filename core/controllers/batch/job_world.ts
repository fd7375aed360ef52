import { timestamp } from "../../lib/timestamp.ts";
import { type Job, jobs } from "../../resources/batch/jobs.ts";
import { isActive } from "../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { TestCluster } from "../test_cluster.ts";
import { JOB_NAME, putJob } from "./job_fixture.ts";
import { jobController } from "./jobs.ts";

/** How a pod ends: an exit code, or a disruption. */
type End = number | "disrupted";

/** A Job whose pods a test ends, and the history of it: one line for each state that it comes to, and for each event. */
export class JobWorld {
  readonly cluster = new TestCluster();
  readonly #beganMs = this.cluster.nowMs;
  readonly #lines: string[] = [];
  #last = "";

  constructor(spec: object) {
    putJob(this.cluster, spec);
    this.settle();
  }

  get job(): Job {
    return this.cluster.get(jobs, JOB_NAME)!;
  }

  /** What has happened since the last call. Random parts of names are left out. */
  history(): string[] {
    return this.#lines.splice(0);
  }

  /** The active pods, by index or in the order in which they were made. */
  active(): Pod[] {
    return this.cluster.list(pods).filter(isActive)
      .sort((a, b) => indexOf(a) - indexOf(b));
  }

  /** Ends the active pod of that index; without indexes, the first one. */
  end(end: End, index?: number): this {
    const pod = this.active().find((each) => index === undefined || indexOf(each) === index)!;
    const terminated = {
      exitCode: end === "disrupted" ? 137 : end,
      finishedAt: timestamp(this.cluster.nowMs),
    };
    this.cluster.patchStatus(pods, { namespace: "default", name: pod.metadata.name }, {
      phase: end === 0 ? "Succeeded" : "Failed",
      conditions: end === "disrupted"
        ? [{ type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI" }]
        : [],
      containerStatuses: [{
        name: "pi",
        image: "perl",
        imageID: "",
        ready: false,
        restartCount: 0,
        state: { terminated },
      }],
    });
    return this.settle();
  }

  wait(seconds: number): this {
    this.cluster.nowMs += seconds * 1_000;
    return this.settle();
  }

  change(spec: object): this {
    const { job } = this;
    this.cluster.put(jobs, { ...job, spec: { ...job.spec, ...spec } });
    return this.settle();
  }

  settle(): this {
    for (let round = 0; round < 50; round++) {
      const made = this.cluster.planOf(jobController, JOB_NAME);
      if (made.writes.length === 0) return this;
      this.cluster.perform(made);
      this.#note();
    }
    throw new Error("The Job does not come to rest");
  }

  #note(): void {
    const seconds = (this.cluster.nowMs - this.#beganMs) / 1_000;
    for (const { type, reason, message } of this.cluster.notices.splice(0)) {
      const text = message.replaceAll(/-[b-z2-9]{5}\b/g, "-…");
      this.#lines.push(`${seconds} s: ${type} ${reason}: ${text}`);
    }
    const state = stateOf(this.job);
    if (state !== this.#last) this.#lines.push(`${seconds} s: ${state}`);
    this.#last = state;
  }
}

function indexOf({ metadata }: Pod): number {
  return Number(metadata.annotations?.["batch.kubernetes.io/job-completion-index"] ?? 0);
}

/** Counts that are not 0, indexes, and conditions that hold. */
function stateOf({ status }: Job): string {
  const { conditions = [], completedIndexes, failedIndexes } = status;
  const counts = (["active", "succeeded", "failed", "terminating"] as const)
    .filter((name) => status[name]).map((name) => `${name} ${status[name]}`);
  const holding = conditions.filter((each) => each.status === "True")
    .map(({ type, reason }) => `${type}(${reason})`);
  return [
    ...counts,
    ...(completedIndexes ? [`completed ${completedIndexes}`] : []),
    ...(failedIndexes ? [`failed for good ${failedIndexes}`] : []),
    ...holding,
  ].join(", ") || "nothing";
}
