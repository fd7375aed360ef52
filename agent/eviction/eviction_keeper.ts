import type { EventRecorder } from "../../core/client/event_recorder.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { NodeReport } from "../../core/usage/node_report.ts";
import type { PodEviction } from "../pods/runs/observed_pod.ts";
import type { MachineReadings } from "../stats/machine_readings.ts";
import { GRACE_MS, podEvictionOf } from "./pod_eviction.ts";
import { mostUrgent, pressureAfter, type PressureHistory } from "./pressure.ts";
import { candidatesOf, isCritical, rankedForEviction } from "./ranking.ts";
import {
  observationsOf,
  type PressureCondition,
  SIGNALS,
  type Threshold,
  thresholdsMet,
} from "./thresholds.ts";

/** As often as the kubelet looks: a few small files are read. */
const LOOK_MS = 10_000;
/** How long an evicted pod may take to end before the next one is. */
const END_MS_MAX = 30_000;
const END_LOOK_MS = 1_000;
const COMPONENT = "kubelet";

/** A pod of the node that has something running. */
export interface EvictablePod {
  readonly pod: Pod;
  /** `isTold`: whether there is an event of it; as a rule there is. */
  evict(eviction: PodEviction, options?: { isTold: boolean }): void;
  hasEnded(): boolean;
  /** Why it keeps more on the disk than it may; `undefined`: it does not, or has no limit. */
  storageExcess?(): Promise<string | undefined>;
}

export interface EvictionKeeperOptions {
  clock: Clock;
  log: Log;
  thresholds: readonly Threshold[];
  /** How long a condition stays after the last time that its threshold was crossed. */
  transitionMs: number;
  readings: Pick<MachineReadings, "pressure">;
  /** What pods use, at once; with their files when asked for. */
  report(detail: { withFiles: boolean }): Promise<NodeReport>;
  pods(): readonly EvictablePod[];
  /** Removes what nobody needs from the disk. */
  reclaim(): Promise<void>;
  onPressure(conditions: ReadonlySet<PressureCondition>): void;
  events: Pick<EventRecorder, "record">;
  /** `undefined`: it is not registered yet. */
  node(): Node | undefined;
}

/** Watches what is left of memory, disk and processes, and evicts pods, one after the other, before nothing is. */
export class EvictionKeeper {
  readonly #options: EvictionKeeperOptions;
  #history: PressureHistory = new Map();

  constructor(options: EvictionKeeperOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const evicted = await this.look();
      if (evicted === undefined) await clock.sleep(LOOK_MS, signal).catch(() => {}); // aborted
      else await this.#untilEnded(evicted, signal);
    }
  }

  /** Looks once, and evicts one pod at most, which is returned. */
  async look(): Promise<EvictablePod | undefined> {
    const { clock, transitionMs, onPressure } = this.#options;
    const over = await this.#evictOverLimit();
    if (over !== undefined) return over; // it may have been what makes others suffer
    const { met } = this.#observe();
    const next = pressureAfter(met, this.#history, { elapsedMs: clock.elapsed(), transitionMs });
    this.#history = next.history;
    onPressure(next.conditions);
    const threshold = mostUrgent(met);
    return threshold && await this.#relieve(threshold);
  }

  /** The first pod that keeps more on the disk than it may. */
  async #evictOverLimit(): Promise<EvictablePod | undefined> {
    for (const running of this.#options.pods()) {
      if (isCritical(running.pod)) continue;
      const message = await running.storageExcess?.();
      if (message === undefined) continue;
      this.#options.log.warn("Evicting a pod", { pod: running.pod.metadata.name, why: message });
      running.evict({ reason: "Evicted", message, graceMs: GRACE_MS });
      return running;
    }
    return undefined;
  }

  #observe() {
    const { readings, thresholds } = this.#options;
    const reading = readings.pressure();
    const observations = observationsOf(reading);
    const met = thresholdsMet(thresholds, observations);
    return { observations, met, hasImageFs: reading.imageFs !== undefined };
  }

  async #relieve(threshold: Threshold): Promise<EvictablePod | undefined> {
    const { log, reclaim } = this.#options;
    const { resource, condition } = SIGNALS[threshold.signal];
    this.#tell(resource);
    if (condition === "DiskPressure") {
      await reclaim().catch((error) => log.warn("Cannot make room on the disk", { error }));
    }
    const { met, observations, hasImageFs } = this.#observe();
    if (!met.some(({ signal }) => signal === threshold.signal)) return undefined;
    const running = this.#options.pods();
    const withFiles = condition === "DiskPressure";
    const report = await this.#options.report({ withFiles });
    const candidates = candidatesOf(running.map(({ pod }) => pod), report);
    const order = { signal: threshold.signal, hasImageFs };
    const chosen = rankedForEviction(candidates, order).find(({ pod }) => !isCritical(pod));
    const victim = running.find(({ pod }) => pod === chosen?.pod);
    if (chosen === undefined || victim === undefined) {
      log.warn("The node is short of something, and there is no pod to evict", { resource });
      return undefined;
    }
    log.warn("Evicting a pod", { pod: chosen.pod.metadata.name, resource });
    victim.evict(podEvictionOf(chosen, threshold, observations));
    return victim;
  }

  #tell(resource: string): void {
    const about = this.#options.node();
    if (about === undefined) return;
    const message = `Attempting to reclaim ${resource}`;
    const event = { about, type: "Warning", reason: "EvictionThresholdMet", message } as const;
    this.#options.events.record(COMPONENT, event);
  }

  async #untilEnded(victim: EvictablePod, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const untilMs = clock.elapsed() + END_MS_MAX;
    do await clock.sleep(END_LOOK_MS, signal).catch(() => {}); // aborted
     while (!signal.aborted && !victim.hasEnded() && clock.elapsed() < untilMs);
  }
}
