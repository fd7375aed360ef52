import { timestamp } from "../../../lib/timestamp.ts";
import { type Deployment, deployments } from "../../../resources/apps/deployments.ts";
import { type ReplicaSet, replicaSets } from "../../../resources/apps/replica_sets.ts";
import { type Rollout, rollouts } from "../../../resources/argoproj/mod.ts";
import { isActive, isReady } from "../../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { deploymentController } from "../../apps/deployments.ts";
import { replicaSetController } from "../../apps/replica_sets.ts";
import { controllerOf, withOwners } from "../../runtime/ownership.ts";
import { update } from "../../runtime/controller.ts";
import { TestCluster } from "../../test_cluster.ts";
import { rolloutController } from "../rollouts.ts";
import { stepwiseDeploymentController } from "./stepwise_deployments.ts";

export const WEB = { namespace: "default", name: "web" };
const CONTROLLERS = [
  deploymentController,
  stepwiseDeploymentController,
  rolloutController(),
  replicaSetController,
];

/** A Deployment `web` of 4 pods, whose pods become ready at once unless their image is broken. */
export class TestDeployment {
  readonly cluster = new TestCluster();
  readonly broken = new Set<string>();
  /** The fewest available pods at any time since this was last set. */
  fewestAvailable = Infinity;

  constructor(annotations: Record<string, string> = {}, replicas = 4) {
    this.cluster.put(deployments, {
      metadata: { name: "web", annotations },
      spec: {
        replicas,
        selector: { matchLabels: { app: "web" } },
        template: templateOf("web:1"),
      },
    });
  }

  get deployment(): Deployment {
    return this.cluster.get<Deployment>(deployments, WEB)!;
  }

  get rollout(): Rollout | undefined {
    return this.cluster.get<Rollout>(rollouts, WEB);
  }

  get pods(): readonly Pod[] {
    return this.cluster.list<Pod>(pods).filter(isActive);
  }

  /** How many pods each image has. */
  get images(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { spec } of this.pods) {
      const image = spec.containers[0]!.image!;
      counts[image] = (counts[image] ?? 0) + 1;
    }
    return counts;
  }

  /** Sizes of the sets whose controller is of the kind. */
  sizesOf(kind: "Deployment" | "Rollout"): number[] {
    return this.cluster.list<ReplicaSet>(replicaSets)
      .filter((set) => controllerOf(set)?.kind === kind)
      .map(({ spec }) => spec.replicas).sort();
  }

  change(
    { annotations, image, ...spec }:
      & { annotations?: Record<string, string>; image?: string }
      & Partial<
        Deployment["spec"]
      >,
  ): this {
    const { deployment } = this;
    const changed = {
      ...deployment,
      metadata: {
        ...deployment.metadata,
        ...(annotations && { annotations: { ...kept(deployment), ...annotations } }),
      },
      spec: {
        ...deployment.spec,
        ...spec,
        ...(image !== undefined && { template: templateOf(image) }),
      },
    } as Deployment;
    this.cluster.perform({ writes: [update(deployments, changed)] });
    return this;
  }

  /** Controllers look and pods become ready or end, until nothing is to do. */
  run(): this {
    for (let round = 0; round < 300; round++) {
      const wrote = CONTROLLERS.map((controller) => {
        const all = this.cluster.list<Deployment>(controller.resource as never);
        return all.map(({ metadata }) => {
          const made = this.cluster.planOf(controller, metadata);
          this.cluster.perform(made);
          this.#note();
          return made.writes.length > 0;
        }).includes(true);
      }).includes(true);
      if (!wrote && this.#movePods() + this.#orphan() === 0) return this;
    }
    throw new Error("The controllers do not come to rest");
  }

  pass(seconds: number): this {
    this.cluster.nowMs += seconds * 1_000;
    return this.run();
  }

  #note(): void {
    const available = this.cluster.list<Pod>(pods).filter(isActive).filter(isReady).length;
    this.fewestAvailable = Math.min(this.fewestAvailable, available);
  }

  /** Sets whose Rollout is gone have no owner any more, as by the garbage collector. */
  #orphan(): number {
    const left = this.cluster.list<ReplicaSet>(replicaSets).filter((set) => {
      const owner = controllerOf(set);
      return owner?.kind === "Rollout" && owner.uid !== this.rollout?.metadata.uid;
    });
    this.cluster.perform({ writes: left.map((set) => update(replicaSets, withOwners(set, []))) });
    return left.length;
  }

  #movePods(): number {
    const all = this.cluster.list<Pod>(pods);
    const ending = all.filter((pod) => !isActive(pod));
    for (const { metadata } of ending) this.cluster.take(pods, metadata);
    const starting = all.filter((pod) =>
      isActive(pod) && !isReady(pod) && !this.broken.has(pod.spec.containers[0]!.image!)
    );
    for (const { metadata } of starting) {
      const lastTransitionTime = timestamp(this.cluster.nowMs);
      const ready = { type: "Ready", status: "True", lastTransitionTime };
      this.cluster.patchStatus(pods, metadata, { phase: "Running", conditions: [ready] });
    }
    return ending.length + starting.length;
  }
}

function kept({ metadata: { annotations = {} } }: Deployment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(annotations).filter(([name]) => !name.startsWith("coracle.dev/")),
  );
}

function templateOf(image: string) {
  return {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "web", image }] },
  };
}
