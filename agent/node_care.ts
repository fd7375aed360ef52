import type { PodRejection } from "./pods/runs/observed_pod.ts";
import { supervise } from "../core/lib/supervise.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import type { Pod } from "../core/resources/core/pods/pods.ts";
import { isFinished } from "../core/resources/core/pods/pod_states.ts";
import { EvictionKeeper } from "./eviction/eviction_keeper.ts";
import { hasStorageLimit, localUseOf, storageExcessOf } from "./eviction/storage_limits.ts";
import { HARD_THRESHOLDS, type PressureCondition, type Threshold } from "./eviction/thresholds.ts";
import type { Image } from "./runtimes/container_runtime.ts";
import { ImageCollector } from "./images/image_collector.ts";
import { DISK_SHARES, type DiskShares, IMAGE_AGE_MS_MIN } from "./images/unused_images.ts";
import type { KnownAgent } from "./kubelet/lazy_kubelet.ts";
import { NodeShutdown } from "./shutdown/node_shutdown.ts";
import type { ShutdownGrace } from "./shutdown/shutdown_plan.ts";
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
  /** When images that nobody uses are removed, and how young they may not be; as the kubelet when absent. */
  imageDiskShares?: DiskShares;
  imageAgeMsMin?: number;
  /** Whether others use the runtime's images, too: then none is removed. */
  sharesImages?: boolean;
  /** How long pods have to end when the machine shuts down; absent: nobody waits for them. */
  shutdownGrace?: ShutdownGrace;
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
  readonly #images: ImageCollector | undefined;
  /** Absent when nobody waits for pods at a shutdown. */
  readonly shutdown: NodeShutdown | undefined;
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
    this.shutdown = given.options.shutdownGrace && this.#newShutdown(given.options.shutdownGrace);
    this.#images = readings && this.#newImages(readings);
    this.#evictions = this.usage && this.#newEvictions(this.usage);
  }

  /** Keeps the node well until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options.context;
    const context = { clock, log, signal };
    const [evictions, images] = [this.#evictions, this.#images];
    await Promise.all([
      evictions &&
      supervise({ ...context, name: "evictions" }, (inner) => evictions.run(inner)),
      images && supervise({ ...context, name: "the images" }, (inner) => images.run(inner)),
    ]);
  }

  /** What is asked of a kubelet about its node. */
  get known(): Pick<KnownAgent, "usage" | "containers"> {
    const { workers } = this.#options;
    return {
      usage: this.usage,
      containers: () => workers().flatMap(({ containers }) => containers),
    };
  }

  /** A container is to be made of an image. */
  noteImage(image: Image): void {
    this.#images?.note(image);
  }

  close(): void {
    this.usage?.close();
  }

  /** Why the node does not take a pod that has come to it, besides those that it has taken. */
  admit(pod: Pod): PodRejection | undefined {
    const { context: { view, nodeName, allocatable }, workers } = this.#options;
    if (this.shutdown?.rejection) return this.shutdown.rejection;
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
      pods: () =>
        workers().flatMap((worker) =>
          evictable(worker).map((pod) => ({ ...pod, storageExcess: () => this.#excessOf(worker) }))
        ),
      reclaim: () => this.#reclaim(),
      onPressure: (conditions) => {
        this.#pressure = conditions;
        status.reportPressure(conditions);
      },
      node: () => view.get(nodes, { name: nodeName }),
    });
  }

  /** Files are counted only for a pod that has a limit. */
  async #excessOf({ pod, containers }: PodWorker): Promise<string | undefined> {
    const { context: { dataFolder }, options: { readings } } = this.#options;
    if (pod === undefined || readings === undefined || !hasStorageLimit(pod)) return undefined;
    return storageExcessOf(pod, await localUseOf(pod, containers, { readings, dataFolder }));
  }

  #newShutdown(grace: ShutdownGrace): NodeShutdown {
    const { context, status, workers } = this.#options;
    const { view, nodeName } = context;
    return new NodeShutdown({
      ...context,
      grace,
      pods: () => workers().flatMap((worker) => evictable(worker)),
      onChange: (isShuttingDown) => status.reportShutdown({ isShuttingDown }),
      node: () => view.get(nodes, { name: nodeName }),
    });
  }

  #newImages(readings: MachineReadings): ImageCollector {
    const { options, context, status } = this.#options;
    const { view, nodeName } = context;
    return new ImageCollector({
      ...context,
      shares: options.imageDiskShares ?? DISK_SHARES,
      ageMsMin: options.imageAgeMsMin ?? IMAGE_AGE_MS_MIN,
      mayRemove: !options.sharesImages,
      disk: () => {
        const { fs, imageFs = fs } = readings.pressure();
        return imageFs;
      },
      onList: (images) => status.reportImages(images),
      node: () => view.get(nodes, { name: nodeName }),
    });
  }

  /** What nobody misses: containers of pods that have ended, then images. Logs stay. */
  async #reclaim(): Promise<void> {
    const { context: { runtime }, workers } = this.#options;
    for (const { pod, containers } of workers()) {
      if (pod === undefined || !isFinished(pod)) continue;
      for (const { id, state } of containers) if (state === "exited") await runtime.remove(id);
    }
    await this.#images?.removeAllUnused();
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
