import { isEqual } from "../../lib/equality.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { type Deployment, deployments } from "../../resources/apps/deployments.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import { isActive, isReady } from "../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { TestCluster } from "../test_cluster.ts";
import { deploymentController } from "./deployments.ts";
import { replicaSetController } from "./replica_sets.ts";

const NAME = { namespace: "default", name: "nginx" };
const CONTROLLERS = [deploymentController, replicaSetController];

/** A Deployment whose pods a test makes ready, and the history of it: a line for each event, and for each state of rest. */
export class DeploymentWorld {
  readonly cluster = new TestCluster();
  readonly #beganMs = this.cluster.nowMs;
  readonly #lines: string[] = [];
  #last = "";

  /** `spec`: besides selector and template. */
  constructor(image: string, spec: object = {}) {
    this.cluster.put(deployments, {
      metadata: { name: "nginx", generation: 1 },
      spec: { selector: { matchLabels: { app: "nginx" } }, template: templateOf(image), ...spec },
    });
    this.settle();
  }

  get deployment(): Deployment {
    return this.cluster.get(deployments, NAME)!;
  }

  /** What has happened since the last call. Of the names of ReplicaSets, the image takes the place of the hash. */
  history(): string[] {
    return this.#lines.splice(0);
  }

  /** Like `kubectl set image`, `scale`, `rollout pause` and `resume`: a new generation. */
  change({ image, ...spec }: { image?: string; [field: string]: unknown }): this {
    const { deployment } = this, { metadata } = deployment;
    this.cluster.put(deployments, {
      ...deployment,
      metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 },
      spec: { ...deployment.spec, ...(image && { template: templateOf(image) }), ...spec },
    });
    return this.settle();
  }

  /** Pods become ready, those of that image, the oldest first, and each is seen before the next one does. */
  ready(count: number, image?: string): this {
    for (let i = 0; i < count; i++) {
      const pod = this.#pods().find((each) =>
        !isReady(each) && (image === undefined || imageOf(each) === image)
      );
      if (pod === undefined) throw new Error("No pod is left that is not ready");
      const lastTransitionTime = timestamp(this.cluster.nowMs);
      this.cluster.put(pods, {
        ...pod,
        spec: { ...pod.spec, nodeName: "n1" },
        status: {
          phase: "Running",
          conditions: [{ type: "Ready", status: "True", lastTransitionTime }],
        },
      });
      this.settle();
    }
    return this;
  }

  /** Pods that are being deleted end. */
  end(): this {
    for (const pod of this.cluster.list(pods)) {
      if (pod.metadata.deletionTimestamp !== undefined) this.cluster.take(pods, pod.metadata);
    }
    return this.settle();
  }

  wait(seconds: number): this {
    this.cluster.nowMs += seconds * 1_000;
    return this.settle();
  }

  /** The sizes of the ReplicaSets, by image. */
  sizes(): Record<string, number> {
    return Object.fromEntries(
      this.cluster.list(replicaSets).map((set) => [imageOf(set.spec.template), set.spec.replicas]),
    );
  }

  settle(): this {
    this.cluster.settle(CONTROLLERS);
    this.#note();
    return this;
  }

  #pods(): Pod[] {
    return this.cluster.list(pods).filter(isActive)
      .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion));
  }

  #note(): void {
    const seconds = (this.cluster.nowMs - this.#beganMs) / 1_000;
    for (const { about, type, reason, message } of this.cluster.notices.splice(0)) {
      if (isEqual(about.kind, "ReplicaSet")) continue; // which pods come and go, sizes say
      this.#lines.push(`${seconds} s: ${type} ${reason}: ${this.#named(message)}`);
    }
    const state = this.#named(stateOf(this.deployment));
    if (state !== this.#last) this.#lines.push(`${seconds} s: ${state}`);
    this.#last = state;
  }

  #named(text: string): string {
    return this.cluster.list(replicaSets).reduce(
      (named, set) => named.replaceAll(set.metadata.name, nameOf(set)),
      text,
    );
  }
}

function templateOf(image: string): object {
  return {
    metadata: { labels: { app: "nginx" } },
    spec: { containers: [{ name: "nginx", image }] },
  };
}

function imageOf({ spec }: { spec: { containers: readonly { image?: string }[] } }): string {
  return spec.containers[0]!.image!;
}

function nameOf({ spec }: ReplicaSet): string {
  return `nginx-[${imageOf(spec.template)}]`;
}

/** What `kubectl get` and `describe` show of it: counts, and conditions with their reasons and messages. */
function stateOf({ spec, status }: Deployment): string {
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0, conditions = [] } = status;
  const counts = `${spec.replicas} desired, ${updatedReplicas} updated, ${replicas} total, ` +
    `${availableReplicas} available`;
  const told = conditions.map(({ type, status, reason, message }) =>
    `${type}=${status} ${reason} (${message})`
  ).sort();
  return [counts, ...told].join("; ");
}
