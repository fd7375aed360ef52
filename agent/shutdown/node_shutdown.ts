import type { EventRecorder } from "../../core/client/event_recorder.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import type { EvictablePod } from "../eviction/eviction_keeper.ts";
import type { PodEviction, PodRejection } from "../pods/runs/observed_pod.ts";
import { type ShutdownGrace, shutdownPlan } from "./shutdown_plan.ts";

/** What the kubelet says (`pkg/kubelet/nodeshutdown`). */
const MESSAGE = "Pod was terminated in response to imminent node shutdown.";
const REJECTION: PodRejection = {
  reason: "NodeShutdown",
  message: "Pod was rejected as the node is shutting down.",
};
const COMPONENT = "kubelet";
const LOOK_MS = 200;
/** What a container may take longer than the grace that it was given. */
const MARGIN_MS = 500;

export interface NodeShutdownOptions {
  clock: Clock;
  log: Log;
  grace: ShutdownGrace;
  pods(): readonly EvictablePod[];
  /** Tells that the node takes no pods any more, or does again. */
  onChange(isShuttingDown: boolean): void;
  events: Pick<EventRecorder, "record">;
  node(): Node | undefined;
}

/** Ends the pods of a machine that shuts down, those of low priority first, within the time that it gives them. */
export class NodeShutdown {
  readonly #options: NodeShutdownOptions;
  #ending: Promise<void> | undefined;

  constructor(options: NodeShutdownOptions) {
    this.#options = options;
  }

  /** Why no pod is taken now. */
  get rejection(): PodRejection | undefined {
    return this.#ending && REJECTION;
  }

  /** Resolves when all pods have ended, or their time is over. A second call waits for the first. */
  begin(): Promise<void> {
    if (this.#ending === undefined) {
      this.#tell("Shutdown manager detected shutdown event");
      this.#options.onChange(true);
      this.#ending = this.#endAll();
    }
    return this.#ending;
  }

  /** The machine goes on: pods are taken again. Those that have ended stay so. */
  cancel(): void {
    if (this.#ending === undefined) return;
    this.#ending = undefined;
    this.#tell("Shutdown manager detected shutdown cancellation");
    this.#options.onChange(false);
  }

  async #endAll(): Promise<void> {
    const { clock, log, pods, grace } = this.#options;
    for (const { members, untilMs } of shutdownPlan(pods(), grace)) {
      const endMs = clock.elapsed() + untilMs + MARGIN_MS;
      for (const { worker, graceMs } of members) worker.evict(endOf(graceMs), { isTold: false });
      const isOver = () => members.every(({ worker }) => worker.hasEnded());
      while (!isOver() && clock.elapsed() < endMs) await clock.sleep(LOOK_MS);
      if (!isOver()) log.warn("Pods have not ended in the time that the shutdown gives them");
    }
  }

  #tell(message: string): void {
    const about = this.#options.node();
    const event = { type: "Normal", reason: "Shutdown", message } as const;
    if (about) this.#options.events.record(COMPONENT, { about, ...event });
  }
}

function endOf(graceMs: number): PodEviction {
  return {
    reason: "Terminated",
    message: MESSAGE,
    graceMs,
    condition: { type: "DisruptionTarget", reason: "TerminationByKubelet", message: MESSAGE },
  };
}
