import type { View } from "../../core/client/client.ts";
import type { Draft } from "../../core/client/client.ts";
import { TRACKING_FINALIZER } from "../../core/controllers/batch/job_pods.ts";
import { type Job, jobs } from "../../core/resources/batch/jobs.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";

const JOB = { name: "sum", completions: 3, parallelism: 2, backoffLimit: 2 };

/** The simulator's Job. `image`: one that ends well, or one that does not. */
export function jobOf(namespace: string, image: string): Draft<Job> {
  const { name, ...spec } = JOB;
  const resources = { requests: { cpu: "10m" } };
  const containers = [{ name: "main", image, resources }];
  return {
    metadata: { namespace, name },
    spec: { ...spec, template: { spec: { restartPolicy: "Never", containers } } },
  } as unknown as Draft<Job>; // the API fills in the rest
}

/** Counts what becomes of the pods of Jobs, beside the controller: no pod may be counted twice, or lost. */
export class JobCounts {
  readonly #jobs = new Map<string, Job>();
  readonly #tracked = new Map<string, Pod>();
  /** Uids of pods that were let go while the status of their Job named them, by the uid of the Job. */
  readonly #named = new Map<string, { succeeded: Set<string>; failed: Set<string> }>();

  jobSeen(job: Job): string | undefined {
    const { uid, name } = job.metadata;
    const before = this.#jobs.get(uid)?.status ?? {};
    this.#jobs.set(uid, job);
    const named = this.#namesOf(uid);
    for (const word of ["succeeded", "failed"] as const) {
      const count = job.status[word] ?? 0;
      if (count < (before[word] ?? 0)) return `job ${name} took back what ${word}`;
      if (count > named[word].size) {
        return `job ${name} counts ${count} pods that ${word}, there were ${named[word].size}`;
      }
    }
    return undefined;
  }

  jobGone({ metadata: { uid } }: Job): void {
    this.#jobs.delete(uid);
    this.#named.delete(uid);
  }

  podSeen(pod: Pod, isGone: boolean): string | undefined {
    const { uid, name, finalizers = [], ownerReferences = [] } = pod.metadata;
    const owner = ownerReferences.find(({ controller }) => controller)?.uid ?? "";
    if (!isGone && finalizers.includes(TRACKING_FINALIZER)) {
      this.#tracked.set(uid, pod);
      return undefined;
    }
    if (!this.#tracked.delete(uid)) return undefined;
    const job = this.#jobs.get(owner);
    if (job === undefined) return undefined;
    const { succeeded = [], failed = [] } = job.status.uncountedTerminatedPods ?? {};
    const { phase } = pod.status;
    if (succeeded.includes(uid)) this.#namesOf(owner).succeeded.add(uid);
    else if (failed.includes(uid)) this.#namesOf(owner).failed.add(uid);
    else if (job.metadata.deletionTimestamp !== undefined) return undefined;
    else if (phase === "Succeeded" || phase === "Failed") {
      return `pod ${name} of job ${job.metadata.name} ${phase} and was not counted`;
    }
    return undefined;
  }

  #namesOf(uid: string) {
    const names = this.#named.get(uid) ?? { succeeded: new Set<string>(), failed: new Set() };
    this.#named.set(uid, names);
    return names;
  }
}

/** What keeps Jobs from being over. */
export function jobProblems(view: View): string[] {
  return view.list(jobs).flatMap(({ metadata: { name, uid }, spec, status }) => {
    const isTrue = (type: string) =>
      status.conditions?.some((each) => each.type === type && each.status === "True");
    if (!isTrue("Complete") && !isTrue("Failed")) return [`job ${name} is not over`];
    const held = view.by(pods, "owner", uid).filter(({ metadata }) =>
      metadata.finalizers?.includes(TRACKING_FINALIZER)
    );
    const isEnough = isTrue("Failed") || (status.succeeded ?? 0) >= spec.completions!;
    return [
      ...held.map((pod) => `pod ${pod.metadata.name} waits to be counted`),
      ...(isEnough ? [] : [`job ${name} is complete with ${status.succeeded} pods`]),
    ];
  });
}
