import type { PodRejection } from "./pods/runs/observed_pod.ts";
import { supervise } from "../core/lib/supervise.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import type { Pod } from "../core/resources/core/pods/pods.ts";
import { isFinished } from "../core/resources/core/pods/pod_states.ts";
import { EvictionKeeper } from "./eviction/eviction_keeper.ts";
import { HARD_THRESHOLDS, type PressureCondition, type Threshold } from "./eviction/thresholds.ts";
import { admissionFault } from "./node/node_admission.ts";
import type { NodeStatus } from "./node/node_status.ts";
import type { NodeContext } from "./pods/node_context.ts";
import type { PodWorker } from "./pods/pod_worker.ts";
import type { MachineReadings } from "./stats/machine_readings.ts";
import { measuredPods } from "./stats/measured_pods.ts";
import { UsageReporter } from "./stats/usage_reporter.ts";

/** The kubelet's `evictionPressureTransitionPeriod`. */
const TRANSITION_MS = 5 * 60_000;

/** What an agent is told of the care for its node. */
export interface NodeCareSettings {
  /** Measures the machine; absent: what is used is not known. */
  readings?: MachineReadings;
  /** When pods are evicted, and how long that is told afterwards; as the kubelet when absent. */
  evictionThresholds?: readonly Threshold[];
  pressureTransitionMs?: number;
}

export interface NodeCareOptions {
  options: NodeCareSettings;
  context: NodeContext;
  status: NodeStatus;
  workers(): readonly PodWorker[];
}

/** What an agent does for its node as a whole: measures it, takes pods or not, and keeps it from running out of things. */
export class NodeCare {
  /** Absent when the machine cannot be measured. */
  readonly usage: UsageReporter | undefined;
  readonly #options: NodeCareOptions;
  readonly #evictions: EvictionKeeper | undefined;
  #pressure: ReadonlySet<PressureCondition> = new Set();

  constructor(given: NodeCareOptions) {
    this.#options = given;
    const { options: { readings }, context, workers } = given;
    const { probeCounts, nodeName: node, clock, dataFolder } = context;
    this.usage = readings && new UsageReporter({
      ...{ node, clock, readings },
      pods: () => measuredPods(workers(), dataFolder),
      probes: () => probeCounts.all(),
      prepare: () => this.#learnProcesses(),
    });
    this.#evictions = this.usage && this.#newEvictions(this.usage);
  }

  /** Keeps the node well until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options.context;
    const evictions = this.#evictions;
    if (evictions === undefined) return;
    const context = { clock, log, signal };
    await supervise({ ...context, name: "evictions" }, (inner) => evictions.run(inner));
  }

  close(): void {
    this.usage?.close();
  }

  /** Why the node does not take a pod that has come to it, besides those that it has taken. */
  admit(pod: Pod): PodRejection | undefined {
    const { context: { view, nodeName, allocatable }, workers } = this.#options;
    const others = workers().flatMap((worker) =>
      worker.isAdmitted && worker.pod && !isFinished(worker.pod) ? [worker.pod] : []
    );
    const node = view.get(nodes, { name: nodeName });
    return admissionFault(pod, { node, allocatable, others, pressure: this.#pressure });
  }

  #newEvictions(usage: UsageReporter): EvictionKeeper {
    const { options, context, status, workers } = this.#options;
    const { readings } = options;
    const { view, nodeName } = context;
    return new EvictionKeeper({
      ...context,
      thresholds: options.evictionThresholds ?? HARD_THRESHOLDS,
      transitionMs: options.pressureTransitionMs ?? TRANSITION_MS,
      readings: readings!,
      report: async ({ withFiles }) => {
        await this.#learnProcesses();
        const report = usage.sample();
        return withFiles ? await usage.withFiles(report) : report;
      },
      pods: () => workers().flatMap((worker) => evictable(worker)),
      reclaim: () => Promise.resolve(),
      onPressure: (conditions) => {
        this.#pressure = conditions;
        status.reportPressure(conditions);
      },
      node: () => view.get(nodes, { name: nodeName }),
    });
  }

  /** A start does not tell the process; a list would, but much later. */
  async #learnProcesses(): Promise<void> {
    const { context: { runtime }, workers } = this.#options;
    for (const worker of workers()) {
      for (const { id, state, pid } of worker.containers) {
        if (state !== "running" || pid !== undefined) continue;
        const found = await runtime.inspect(id).catch(() => undefined); // the next list tells, too
        if (found) worker.learn(found);
      }
    }
  }
}

function evictable(worker: PodWorker) {
  const { pod } = worker;
  if (pod === undefined || isFinished(pod) || worker.hasEnded) return [];
  return [{
    pod,
    evict: worker.evict.bind(worker),
    hasEnded: () => worker.hasEnded,
  }];
}
