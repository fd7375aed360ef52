import { timestamp } from "../../../lib/timestamp.ts";
import { controllerRevisions } from "../../../resources/apps/controller_revisions.ts";
import { type DaemonSet, daemonSets } from "../../../resources/apps/daemon_sets.ts";
import { nodes } from "../../../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { TestCluster } from "../../test_cluster.ts";
import { nodeOf } from "./daemon_pods.ts";
import { daemonSetController } from "./daemon_sets.ts";

const NAME = { namespace: "default", name: "log" };
const LABELS = { app: "log" };

/** One for all looks: it remembers. */
export const CONTROLLER = daemonSetController();

/** A template of pods; `image` tells states apart. */
export function templateOf(image = "log:1", spec: object = {}): object {
  return {
    metadata: { labels: LABELS },
    spec: { containers: [{ name: "log", image }], ...spec },
  };
}

/** How an update goes: by maxUnavailable, or by maxSurge when that is given. */
export function rolling(
  { maxUnavailable, maxSurge }: { maxUnavailable?: number | string; maxSurge?: number | string },
): object {
  const rollingUpdate = {
    maxUnavailable: maxUnavailable ?? (maxSurge === undefined ? 1 : 0),
    maxSurge: maxSurge ?? 0,
  };
  return { type: "RollingUpdate", rollingUpdate };
}

/** The DaemonSet `log` on nodes `a`, `b` and `c`, which do what the test says. */
export class DaemonSetUnderTest {
  readonly cluster = new TestCluster();
  #told = 0;

  constructor(spec: object = {}, names: readonly string[] = ["a", "b", "c"]) {
    names.forEach((name) => this.node(name));
    this.change(spec);
  }

  get daemonSet(): DaemonSet {
    return this.cluster.get(daemonSets, NAME)!;
  }

  get pods(): readonly Pod[] {
    return this.cluster.list(pods);
  }

  /** As an update by a user: fields that are not given stay. */
  change(spec: object, annotations?: Record<string, string>): void {
    const before = this.cluster.get(daemonSets, NAME);
    const generation = (before?.metadata.generation ?? 0) + 1;
    this.cluster.put(daemonSets, {
      ...(before ?? { status: {} }) as object,
      metadata: {
        name: "log",
        ...before?.metadata,
        ...(annotations && { annotations }),
        generation,
      },
      spec: {
        selector: { matchLabels: LABELS },
        template: templateOf(),
        updateStrategy: rolling({}),
        ...before?.spec,
        ...spec,
      },
    });
  }

  node(name: string, { labels = {}, taints = [] as object[] } = {}): void {
    const before = this.cluster.get(nodes, { name });
    this.cluster.put(nodes, {
      ...before as object,
      metadata: { ...before?.metadata, name, labels },
      spec: { taints },
    });
  }

  dropNode(name: string): void {
    this.cluster.take(nodes, { name });
  }

  /** Lets the controller do all that it can. */
  look(): this {
    this.cluster.settle([CONTROLLER]);
    return this;
  }

  /** Pods come up on their nodes, and go when asked to, until the set is at rest. */
  run(): this {
    for (let round = 0; round < 100; round++) {
      this.look();
      const waiting = this.pods.filter((pod) => !isReadyPod(pod) || pod.metadata.deletionTimestamp);
      if (waiting.length === 0) return this;
      for (const pod of waiting) {
        if (pod.metadata.deletionTimestamp) this.end(pod);
        else this.start(pod);
      }
    }
    throw new Error("The DaemonSet does not come to rest");
  }

  bind(pod: Pod): Pod {
    const nodeName = nodeOf(pod)!;
    return this.cluster.put(pods, { ...this.stored(pod), spec: { ...pod.spec, nodeName } });
  }

  start(pod: Pod, { ready = true } = {}): void {
    const condition = {
      type: "Ready",
      status: ready ? "True" as const : "False" as const,
      lastTransitionTime: timestamp(this.cluster.nowMs),
    };
    const bound = this.bind(pod);
    this.cluster.put(pods, {
      ...bound,
      status: { ...bound.status, phase: "Running", conditions: [condition] },
    });
  }

  fail(pod: Pod, phase: "Failed" | "Succeeded" = "Failed"): void {
    this.bind(pod);
    this.cluster.patchStatus(pods, pod.metadata, { phase, conditions: [] });
  }

  end({ metadata }: Pod): void {
    this.cluster.take(pods, metadata);
  }

  stored({ metadata }: Pod): Pod {
    return this.cluster.get(pods, metadata)!;
  }

  on(node: string): Pod[] {
    return this.pods.filter((pod) => nodeOf(pod) === node);
  }

  /** The one pod of a node. */
  one(node: string): Pod {
    const [pod, ...more] = this.on(node);
    if (pod === undefined || more.length > 0) throw new Error(`${1 + more.length} pods on ${node}`);
    return pod;
  }

  /** `a:log:1 ready`, by node, in order of age. */
  picture(): string[] {
    return this.pods.map((pod) => {
      const words = [`${nodeOf(pod)}:${pod.spec.containers[0]!.image}`];
      if (pod.status.phase !== "Pending" && pod.status.phase !== "Running") {
        words.push(pod.status.phase);
      }
      if (isReadyPod(pod)) words.push("ready");
      if (pod.metadata.deletionTimestamp) words.push("ending");
      return words.join(" ");
    }).sort();
  }

  /** Counts of the status, those of 0 left out. */
  counts(): string {
    const { status } = this.daemonSet;
    const names = {
      desired: status.desiredNumberScheduled,
      current: status.currentNumberScheduled,
      ready: status.numberReady,
      updated: status.updatedNumberScheduled,
      available: status.numberAvailable,
      unavailable: status.numberUnavailable,
      misscheduled: status.numberMisscheduled,
    };
    return Object.entries(names).filter(([, count]) => count)
      .map(([name, count]) => `${name}=${count}`).join(" ");
  }

  get revisions(): { name: string; revision: number; labels: Record<string, string> }[] {
    return this.cluster.list(controllerRevisions)
      .map(({ metadata, revision }) => ({
        name: metadata.name,
        revision,
        labels: metadata.labels ?? {},
      }))
      .sort((a, b) => a.revision - b.revision);
  }

  /** What has been told since the last time; names of pods are `<pod>`. */
  events(): string[] {
    const fresh = this.cluster.notices.slice(this.#told);
    this.#told = this.cluster.notices.length;
    return fresh.map(({ type, reason, message }) =>
      `${type} ${reason} ${message.replace(/log-[a-z0-9]{5}/, "<pod>")}`
    );
  }
}

export function isReadyPod(pod: Pod): boolean {
  return pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ??
    false;
}
