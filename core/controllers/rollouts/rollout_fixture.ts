import type { ObjectName } from "../../client/client.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import { type Rollout, rollouts, type RolloutStatus } from "../../resources/argoproj/mod.ts";
import { isActive, isReady } from "../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { type Plan, update } from "../runtime/controller.ts";
import { controllerOf } from "../runtime/ownership.ts";
import { replicaSetController } from "../apps/replica_sets.ts";
import { TestCluster } from "../test_cluster.ts";
import { rolloutController } from "./rollouts.ts";
import { revisionOf } from "./situation/sets.ts";

export const WEB: ObjectName = { namespace: "default", name: "web" };

/** A Rollout in a test cluster, with pods that become ready when they are told to. */
export class TestRollout {
  readonly cluster = new TestCluster();
  protected controller = rolloutController();
  /** Images of which no pod becomes ready. */
  readonly broken = new Set<string>();

  constructor(spec: object, image = "web:1") {
    this.cluster.put(rollouts, {
      metadata: { name: "web" },
      spec: asSent({
        replicas: 1,
        selector: { matchLabels: { app: "web" } },
        template: templateOf(image),
        ...spec,
      }),
    });
  }

  get rollout(): Rollout {
    return this.cluster.get<Rollout>(rollouts, WEB)!;
  }

  get status(): RolloutStatus {
    return this.rollout.status ?? {};
  }

  /** Reasons of the events so far, in order. */
  get reasons(): string[] {
    return this.cluster.notices.filter(({ about }) => about.kind === "Rollout")
      .map(({ reason }) => reason);
  }

  get sets(): readonly ReplicaSet[] {
    return this.cluster.list<ReplicaSet>(replicaSets);
  }

  /** Shows every set that comes or changes. */
  onSet(look: (set: ReplicaSet) => void): void {
    this.cluster.subscribe<ReplicaSet>(replicaSets, ({ object }) => look(object));
  }

  /** Shows the rollout whenever it changes. */
  onRollout(look: (rollout: Rollout) => void): void {
    this.cluster.subscribe<Rollout>(rollouts, ({ object }) => look(object));
  }

  /** What is decided on the rollout now; nothing of it is done. */
  plan(): Plan {
    return this.cluster.planOf(this.controller, WEB);
  }

  /** One look at the rollout. */
  look(): this {
    this.cluster.perform(this.plan());
    return this;
  }

  /** Sizes of the sets by revision. */
  get sizes(): Record<number, number> {
    return Object.fromEntries(this.sets.map((set) => [revisionOf(set), set.spec.replicas]));
  }

  /** Controllers look until nothing is to do; pods stay as they are. */
  settle(): this {
    this.cluster.settle([this.controller, replicaSetController]);
    return this;
  }

  /** One look of each controller; pods stay as they are. Gives whether anything was written. */
  step(): boolean {
    return [this.controller, replicaSetController].map((controller) => {
      const resource = controller.resource;
      return this.cluster.list<Rollout | ReplicaSet>(resource as never).map(({ metadata }) => {
        const made = this.cluster.planOf(controller, metadata);
        this.cluster.perform(made);
        return made.writes.length > 0;
      }).includes(true);
    }).includes(true);
  }

  /** Controllers look and pods become ready or end, until nothing is to do. */
  run(): this {
    do this.settle(); while (this.ready() | this.end());
    return this;
  }

  /** All pods that can become ready do. Gives how many did. */
  ready(max = Infinity): number {
    const waiting = this.cluster.list<Pod>(pods)
      .filter((pod) => isActive(pod) && !isReady(pod))
      .filter(({ spec }) => !this.broken.has(spec.containers[0]!.image!));
    for (const pod of waiting.slice(0, max)) {
      this.cluster.patchStatus(pods, pod.metadata, {
        phase: "Running",
        conditions: [{
          type: "Ready",
          status: "True",
          lastTransitionTime: timestamp(this.cluster.nowMs),
        }],
      });
    }
    return Math.min(waiting.length, max);
  }

  /** Pods that are ending are gone. Gives how many were. */
  end(): number {
    const ending = this.cluster.list<Pod>(pods).filter((pod) => !isActive(pod));
    for (const { metadata } of ending) this.cluster.take(pods, metadata);
    return ending.length;
  }

  setImage(image: string): this {
    return this.change({ template: templateOf(image) });
  }

  /** As a user changes the spec; `undefined` takes a field away. */
  change(spec: object): this {
    const { rollout } = this;
    const changed = { ...rollout, spec: asSent({ ...rollout.spec, ...spec }) };
    this.cluster.perform({ writes: [update(rollouts, changed)] });
    return this;
  }

  /** As a client of the status, such as `kubectl argo rollouts`; `undefined` takes a member away. */
  patchStatus(members: object): this {
    const { rollout } = this;
    const status = Object.fromEntries(
      Object.entries({ ...rollout.status, ...members }).filter(([, value]) => value !== undefined),
    );
    this.cluster.put(rollouts, { ...rollout, status } as never);
    return this;
  }

  pass(seconds: number): this {
    this.cluster.nowMs += seconds * 1_000;
    return this;
  }

  /** Ready pods of the revision. */
  readyOf(revision: number): number {
    const set = this.sets.find((each) => revisionOf(each) === revision);
    return this.cluster.list<Pod>(pods)
      .filter((pod) =>
        controllerOf(pod)?.uid === set?.metadata.uid && isActive(pod) && isReady(pod)
      )
      .length;
  }
}

/** As a client sends it: what is undefined is not there. */
function asSent<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

export function templateOf(image: string): object {
  return {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "web", image }] },
  };
}
