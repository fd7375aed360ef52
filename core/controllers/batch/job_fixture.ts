import { type Job, jobs } from "../../resources/batch/jobs.ts";
import type { TestCluster } from "../test_cluster.ts";

export const JOB_NAME = { namespace: "default", name: "pi" };

/** A Job as the API would keep it. */
export function putJob(cluster: TestCluster, spec: object = {}, metadata: object = {}): Job {
  const labels = { "batch.kubernetes.io/job-name": "pi" };
  return cluster.put(jobs, {
    metadata: { name: "pi", ...metadata },
    spec: {
      parallelism: 1,
      backoffLimit: 6,
      completionMode: "NonIndexed",
      suspend: false,
      podReplacementPolicy: "TerminatingOrFailed",
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { restartPolicy: "Never", containers: [{ name: "pi", image: "perl" }] },
      },
      ...spec,
    },
    status: {},
  });
}
