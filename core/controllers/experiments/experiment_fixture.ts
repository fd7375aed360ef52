import type { ObjectName } from "../../client/client.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { type ReplicaSet, replicaSets } from "../../resources/apps/replica_sets.ts";
import {
  type AnalysisRun,
  analysisRuns,
  type Experiment,
  experiments,
  type ExperimentStatus,
} from "../../resources/argoproj/mod.ts";
import { isActive, isReady } from "../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { type Service, services } from "../../resources/core/services/services.ts";
import { replicaSetController } from "../apps/replica_sets.ts";
import { TestCluster } from "../test_cluster.ts";
import { experimentController, type UsedPods } from "./experiments.ts";

const NAME: ObjectName = { namespace: "default", name: "try" };

/** An Experiment "try" in a test cluster; its pods become ready when they are told to. */
export class TestExperiment {
  readonly cluster = new TestCluster();
  readonly #controllers;

  constructor(
    spec: object,
    { metadata = {}, proxies }: { metadata?: object; proxies?: UsedPods } = {},
  ) {
    this.#controllers = [experimentController(proxies), replicaSetController];
    this.cluster.put(experiments, { metadata: { name: "try", ...metadata }, spec });
  }

  get experiment(): Experiment {
    return this.cluster.get<Experiment>(experiments, NAME)!;
  }

  get status(): ExperimentStatus {
    return this.experiment.status ?? {};
  }

  get sets(): readonly ReplicaSet[] {
    return this.cluster.list<ReplicaSet>(replicaSets);
  }

  get sizes(): number[] {
    return this.sets.map(({ spec }) => spec.replicas);
  }

  get services(): readonly Service[] {
    return this.cluster.list<Service>(services);
  }

  get runs(): readonly AnalysisRun[] {
    return this.cluster.list<AnalysisRun>(analysisRuns);
  }

  /** Reasons of the events about it so far, in order. */
  get reasons(): string[] {
    return this.cluster.notices.filter(({ about }) => about.kind === "Experiment")
      .map(({ reason }) => reason);
  }

  get messages(): string[] {
    return this.cluster.notices.filter(({ about }) => about.kind === "Experiment")
      .map(({ message }) => message);
  }

  /** Controllers look until nothing is to do; pods stay as they are. */
  settle(): this {
    this.cluster.settle(this.#controllers);
    return this;
  }

  /** Controllers look and pods become ready, until nothing is to do. */
  run(): this {
    do this.settle(); while (this.#ready() > 0);
    return this;
  }

  #ready(): number {
    const waiting = this.cluster.list<Pod>(pods).filter((pod) => isActive(pod) && !isReady(pod));
    for (const { metadata } of waiting) {
      this.cluster.patchStatus(pods, metadata, {
        phase: "Running",
        conditions: [{
          type: "Ready",
          status: "True",
          lastTransitionTime: timestamp(this.cluster.nowMs),
        }],
      });
    }
    return waiting.length;
  }

  pass(seconds: number): this {
    this.cluster.nowMs += seconds * 1_000;
    return this.settle();
  }

  /** As a client changes it; `undefined` takes a member away. */
  change(members: { spec?: object; status?: object | undefined }): this {
    const { experiment } = this;
    const { status, ...rest } = experiment;
    const next = "status" in members ? members.status : status;
    this.cluster.put(experiments, {
      ...rest,
      spec: { ...experiment.spec, ...members.spec },
      ...(next !== undefined && { status: next }),
    });
    return this.settle();
  }

  /** The run of an analysis comes to a phase. */
  endRun(name: string, phase: string, message?: string): this {
    const run = this.cluster.get<AnalysisRun>(analysisRuns, { namespace: "default", name })!;
    this.cluster.put(analysisRuns, { ...run, status: { phase, ...(message && { message }) } });
    return this.settle();
  }
}

/** A template of an experiment with the pods `image`. */
export function experimentTemplate(name: string, more: object = {}, ports: object[] = []): object {
  return {
    name,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "main", image: "web:1", ...(ports.length > 0 && { ports }) }] },
    },
    ...more,
  };
}
