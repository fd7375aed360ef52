import { timestamp } from "../../../lib/timestamp.ts";
import { daemonSets } from "../../../resources/apps/daemon_sets.ts";
import { statefulSets } from "../../../resources/apps/stateful_sets.ts";
import { type Rollout, rollouts, type RolloutStatus } from "../../../resources/argoproj/mod.ts";
import { nodes } from "../../../resources/core/nodes/nodes.ts";
import { isReady } from "../../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { daemonSetController } from "../../apps/daemon_sets/daemon_sets.ts";
import type { InPlaceWorkload } from "../../apps/division.ts";
import { statefulSetController } from "../../apps/stateful_sets/stateful_sets.ts";
import type { Controller } from "../../runtime/controller.ts";
import { TestCluster } from "../../test_cluster.ts";
import { nodeOf } from "../../apps/daemon_sets/daemon_pods.ts";
import { rolloutController } from "../rollouts.ts";
import { divisionOf } from "./division.ts";
import {
  stepwiseDaemonSetController,
  stepwiseStatefulSetController,
} from "./stepwise_workloads.ts";

export const WEB = { namespace: "default", name: "web" };
const LABELS = { app: "web" };
const ROUNDS_MAX = 400;
/** A controller, whatever it remembers. */
type AnyController = Controller<InPlaceWorkload>;
export type InPlaceKind = "StatefulSet" | "DaemonSet";

/** A workload `web` with four places whose pods become ready at once unless their image is broken. */
export class TestWorkload {
  readonly cluster = new TestCluster();
  readonly broken = new Set<string>();
  /** The fewest ready pods, and the most of the newest image, at any time since they were last set. */
  fewestReady = Infinity;
  mostUpdated = 0;
  /** Why something was wrong, at any time. */
  readonly faults: string[] = [];
  readonly #resource;
  readonly #controllers: readonly AnyController[];

  constructor(readonly kind: InPlaceKind, annotations: Record<string, string> = {}, places = 4) {
    this.#resource = kind === "StatefulSet" ? statefulSets : daemonSets;
    this.#controllers = [
      kind === "StatefulSet" ? statefulSetController(divisionOf) : daemonSetController(divisionOf),
      kind === "StatefulSet" ? stepwiseStatefulSetController : stepwiseDaemonSetController,
      rolloutController(),
    ] as unknown as readonly AnyController[];
    for (let place = 0; kind === "DaemonSet" && place < places; place++) this.addNode(`n${place}`);
    const rollingUpdate = kind === "StatefulSet"
      ? { partition: 0 }
      : { maxUnavailable: 1, maxSurge: 0 };
    this.cluster.put(this.#resource as typeof statefulSets, {
      metadata: { name: "web", annotations, generation: 1 },
      spec: {
        ...(kind === "StatefulSet" && { replicas: places, serviceName: "web" }),
        selector: { matchLabels: LABELS },
        template: templateOf("web:1"),
        updateStrategy: { type: "RollingUpdate", rollingUpdate },
        revisionHistoryLimit: 10,
      },
      status: {},
    });
  }

  addNode(name: string): void {
    this.cluster.put(nodes, { metadata: { name, labels: {} }, spec: {}, status: {} });
  }

  get workload(): InPlaceWorkload {
    return this.cluster.get(this.#resource as typeof statefulSets, WEB)!;
  }

  get rollout(): Rollout | undefined {
    return this.cluster.get<Rollout>(rollouts, WEB);
  }

  get pods(): readonly Pod[] {
    return this.cluster.list<Pod>(pods);
  }

  /** The image in each place, in their order: `1 1 2 2`. */
  get images(): string {
    const places = this.pods.map((pod) => [this.#placeOf(pod), imageOf(pod)] as const);
    return places.sort(([a], [b]) => a < b ? -1 : 1).map(([, image]) => image.slice(4)).join(" ");
  }

  change(
    { annotations, image, ...spec }: {
      annotations?: Record<string, string>;
      image?: string;
      [field: string]: unknown;
    },
  ): this {
    const { metadata, ...rest } = this.workload;
    const changesSpec = image !== undefined || Object.keys(spec).length > 0;
    this.cluster.put(this.#resource as typeof statefulSets, {
      ...rest,
      metadata: {
        ...metadata,
        ...(annotations && { annotations }),
        generation: metadata.generation! + (changesSpec ? 1 : 0),
      },
      spec: { ...rest.spec, ...spec, ...(image !== undefined && { template: templateOf(image) }) },
    });
    return this;
  }

  /** As `coracle rollout` and `kubectl argo rollouts` do it. */
  command(status: Partial<RolloutStatus>): this {
    const { rollout } = this;
    this.cluster.put(rollouts, { ...rollout!, status: { ...rollout!.status, ...status } });
    return this;
  }

  promote(): this {
    return this.command({ pauseConditions: [] });
  }

  /** Controllers look, and pods become ready or end, until nothing is to do. */
  run(controllers: readonly AnyController[] = this.#controllers): this {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (!this.#look(controllers) && this.#movePods() === 0) return this;
    }
    throw new Error("The controllers do not come to rest");
  }

  /** The same for the workload's own controller, before that of the Rollout looks. */
  runAhead(): this {
    return this.run(this.#controllers.slice(0, 1));
  }

  pass(seconds: number): this {
    this.cluster.nowMs += seconds * 1_000;
    return this.run();
  }

  #look(controllers: readonly AnyController[]): boolean {
    let hasWritten = false;
    for (const controller of controllers) {
      for (const { metadata } of this.cluster.list(controller.resource as typeof statefulSets)) {
        const made = this.cluster.planOf(controller as never, metadata as never);
        this.cluster.perform(made);
        this.#note();
        hasWritten ||= made.writes.length > 0;
      }
    }
    return hasWritten;
  }

  #note(): void {
    const newest = imageOf({ spec: this.workload.spec.template.spec } as Pod);
    const places = new Map<string, number>();
    for (const pod of this.pods) {
      const place = this.#placeOf(pod);
      places.set(place, (places.get(place) ?? 0) + 1);
    }
    for (const [place, count] of places) {
      if (count > 1) this.faults.push(`${count} pods in ${place}`);
    }
    const staying = this.pods.filter(({ metadata }) => !metadata.deletionTimestamp);
    this.fewestReady = Math.min(this.fewestReady, staying.filter(isReady).length);
    const updated = staying.filter((pod) => imageOf(pod) === newest).length;
    this.mostUpdated = Math.max(this.mostUpdated, updated);
  }

  #placeOf(pod: Pod): string {
    return this.kind === "StatefulSet" ? pod.metadata.name : nodeOf(pod) ?? "";
  }

  #movePods(): number {
    const ending = this.pods.filter(({ metadata }) => metadata.deletionTimestamp);
    for (const { metadata } of ending) this.cluster.take(pods, metadata);
    const starting = this.pods.filter((pod) =>
      !pod.metadata.deletionTimestamp && !isReady(pod) && !this.broken.has(imageOf(pod))
    );
    for (const { metadata } of starting) {
      const lastTransitionTime = timestamp(this.cluster.nowMs);
      const ready = { type: "Ready", status: "True", lastTransitionTime };
      this.cluster.patchStatus(pods, metadata, { phase: "Running", conditions: [ready] });
    }
    return ending.length + starting.length;
  }
}

function imageOf({ spec }: Pod): string {
  return spec.containers[0]!.image!;
}

function templateOf(image: string) {
  return { metadata: { labels: LABELS }, spec: { containers: [{ name: "web", image }] } };
}
