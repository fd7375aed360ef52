import { TestCluster } from "../controllers/test_cluster.ts";
import type { LoopRun, Plan } from "../controllers/runtime/controller.ts";
import { conditionOf } from "../resources/conditions.ts";
import { nodes } from "../resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import { podDisruptionBudgets } from "../resources/policy/pod_disruption_budgets.ts";
import type { Plugin } from "./plugin.ts";
import { PLUGINS } from "./plugins/mod.ts";
import { scheduler } from "./scheduler.ts";

/** What a test sets of a pod. */
export interface PodParts {
  cpu?: string;
  priority?: number;
  labels?: Record<string, string>;
  spec?: object;
  status?: object;
}

/** A scheduler on a test cluster: pods are tried when `decide` is called, those of the highest priority first. */
export class SchedulerRun {
  readonly #keys = new Set<string>();
  readonly #run: LoopRun;

  constructor(readonly cluster = new TestCluster(), plugins: readonly Plugin[] = PLUGINS) {
    this.#run = scheduler(plugins).start(cluster, (key) => this.#keys.add(key));
  }

  node(name: string, cpu = "4", labels = {}, spec = {}): void {
    this.cluster.put(nodes, {
      metadata: { ...this.cluster.get(nodes, { name })?.metadata, name, labels },
      spec,
      status: { allocatable: { cpu, memory: "8Gi", pods: "110" } },
    });
  }

  pod(name: string, { cpu = "1", priority, labels, spec = {}, status }: PodParts = {}): Pod {
    const resources = { requests: { cpu } };
    return this.cluster.put(pods, {
      metadata: { name, ...(labels && { labels }) },
      spec: {
        containers: [{ name: "a", image: "a", resources }],
        ...(priority !== undefined && { priority }),
        ...spec,
      },
      ...(status && { status }),
    });
  }

  /** A pod that runs on a node and is ready. */
  running(name: string, node: string, parts: PodParts & { startTime?: string } = {}): Pod {
    const { startTime = "2026-01-01T00:00:00Z", ...rest } = parts;
    const status = { phase: "Running", startTime, conditions: [{ type: "Ready", status: "True" }] };
    return this.pod(name, { status, ...rest, spec: { nodeName: node, ...rest.spec } });
  }

  budget(name: string, app: string, disruptionsAllowed: number, status: object = {}): void {
    this.cluster.put(podDisruptionBudgets, {
      metadata: { name },
      spec: { selector: { matchLabels: { app } }, minAvailable: 0 },
      status: { disruptionsAllowed, desiredHealthy: 0, ...status },
    });
  }

  get waiting(): string[] {
    return [...this.#keys].map((key) => key.replace("default/", ""));
  }

  /** The plan for the next pod. */
  next(): Plan | undefined {
    const [key] = [...this.#keys].sort((a, b) =>
      this.#run.priorityOf!(b) - this.#run.priorityOf!(a)
    );
    if (key === undefined) return undefined;
    this.#keys.delete(key);
    return this.#run.reconcile(key, this.cluster.moment);
  }

  /** Tries all pods that are to be tried, and does what is decided. */
  decide(): void {
    for (let made = this.next(); made !== undefined; made = this.next()) this.cluster.perform(made);
  }

  get(name: string): Pod | undefined {
    return this.cluster.get(pods, { namespace: "default", name });
  }

  where(name: string): string | undefined {
    return this.get(name)?.spec.nodeName;
  }

  why(name: string): string | undefined {
    return conditionOf(this.get(name)?.status.conditions, "PodScheduled")?.message;
  }

  take(name: string): void {
    this.cluster.take(pods, { namespace: "default", name });
  }

  /** Names of the pods that are being deleted. */
  get ending(): string[] {
    return this.cluster.list(pods).filter(({ metadata }) => metadata.deletionTimestamp)
      .map(({ metadata }) => metadata.name);
  }
}
