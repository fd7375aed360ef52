import { timestamp } from "../../../lib/timestamp.ts";
import { controllerRevisions } from "../../../resources/apps/controller_revisions.ts";
import { type StatefulSet, statefulSets } from "../../../resources/apps/stateful_sets.ts";
import { persistentVolumeClaims } from "../../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { TestCluster } from "../../test_cluster.ts";
import { statefulSetController } from "./stateful_sets.ts";

const NAME = { namespace: "default", name: "web" };
export const LABELS = { app: "web" };

/** A template of pods; `image` tells states apart. */
export function templateOf(image = "web:1"): object {
  return { metadata: { labels: LABELS }, spec: { containers: [{ name: "web", image }] } };
}

/** The StatefulSet `web` in a cluster whose nodes do what the test says. */
export class SetUnderTest {
  readonly cluster = new TestCluster();
  #told = 0;

  constructor(spec: object = {}) {
    this.change(spec);
  }

  get set(): StatefulSet {
    return this.cluster.get(statefulSets, NAME)!;
  }

  get pods(): readonly Pod[] {
    return this.cluster.list(pods);
  }

  get names(): string[] {
    return this.pods.map(({ metadata }) => metadata.name);
  }

  /** As an update by a user: fields that are not given stay. */
  change(spec: object): void {
    const before = this.cluster.get(statefulSets, NAME);
    const generation = (before?.metadata.generation ?? 0) + 1;
    const rest = before ?? { status: {} };
    this.cluster.put(statefulSets, {
      ...rest as object,
      metadata: { name: "web", ...before?.metadata, generation },
      spec: {
        serviceName: "web",
        selector: { matchLabels: LABELS },
        template: templateOf(),
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
        ...before?.spec,
        ...spec,
      },
    });
  }

  /** Lets the controller do all that it can. */
  look(): this {
    this.cluster.settle([statefulSetController()]);
    return this;
  }

  /** Pods that are there become ready on a node, as many as it takes until the set is at rest. */
  run(image = "web:1"): this {
    for (let round = 0; round < 100; round++) {
      this.look();
      const waiting = this.pods.filter((pod) => !isUp(pod));
      if (waiting.length === 0) return this;
      for (const pod of waiting) {
        if (pod.metadata.deletionTimestamp) this.end(pod.metadata.name);
        else this.start(pod.metadata.name);
      }
    }
    throw new Error(`The set does not come to rest, with ${image}`);
  }

  start(name: string, { ready = true } = {}): void {
    const status = ready ? "True" as const : "False" as const;
    const condition = {
      type: "Ready",
      status,
      lastTransitionTime: timestamp(this.cluster.nowMs),
    };
    const pod = this.pod(name);
    this.cluster.put(pods, {
      ...pod,
      spec: { ...pod.spec, nodeName: "n1" },
      status: { ...pod.status, phase: "Running", conditions: [condition] },
    });
  }

  fail(name: string, phase: "Failed" | "Succeeded" = "Failed"): void {
    this.cluster.patchStatus(pods, { namespace: "default", name }, { phase, conditions: [] });
  }

  /** A pod that was asked to end has ended. */
  end(name: string): void {
    this.cluster.take(pods, { namespace: "default", name });
  }

  pod(name: string): Pod {
    return this.cluster.get(pods, { namespace: "default", name })!;
  }

  get claims(): string[] {
    return this.cluster.list(persistentVolumeClaims).map(({ metadata }) => metadata.name);
  }

  /** `1 web-...`: numbers and names of the revisions, from the first to the last. */
  get revisions(): { name: string; revision: number }[] {
    return this.cluster.list(controllerRevisions)
      .map(({ metadata, revision }) => ({ name: metadata.name, revision }))
      .sort((a, b) => a.revision - b.revision);
  }

  /** What has been told since the last time. */
  events(): string[] {
    const fresh = this.cluster.notices.slice(this.#told);
    this.#told = this.cluster.notices.length;
    return fresh.map(({ type, reason, message }) => `${type} ${reason} ${message}`);
  }

  /** Each pod as `web-0 r1 Running ready`, and what the status says. */
  picture(): string[] {
    const numbers = new Map(this.revisions.map(({ name, revision }) => [name, `r${revision}`]));
    const lines = this.pods.map((pod) => {
      const { name, labels, deletionTimestamp } = pod.metadata;
      const revision = numbers.get(labels?.["controller-revision-hash"] ?? "") ?? "?";
      const words = [name, revision, pod.status.phase];
      if (isReadyPod(pod)) words.push("ready");
      if (deletionTimestamp) words.push("ending");
      return words.join(" ");
    });
    const { status } = this.set;
    const counts = [
      `replicas=${status.replicas}`,
      `ready=${status.readyReplicas ?? 0}`,
      `available=${status.availableReplicas}`,
      `current=${status.currentReplicas ?? 0}`,
      `updated=${status.updatedReplicas ?? 0}`,
      `${numbers.get(status.currentRevision ?? "")}->${numbers.get(status.updateRevision ?? "")}`,
    ];
    return [...lines, counts.join(" ")];
  }
}

function isReadyPod(pod: Pod): boolean {
  return pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ??
    false;
}

function isUp(pod: Pod): boolean {
  return isReadyPod(pod) && pod.metadata.deletionTimestamp === undefined;
}
