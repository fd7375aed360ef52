import { messageOf } from "../../core/lib/error_message.ts";
import type { StopStep } from "./next_step.ts";
import type { NodeContext } from "./node_context.ts";
import type { PodEvents } from "./pod_events.ts";
import type { PodRecord } from "./pod_record.ts";

export interface ContainerStopsOptions {
  context: Pick<NodeContext, "clock" | "log" | "runtime">;
  record: PodRecord;
  events: PodEvents;
  /** Looks at a container again. */
  refresh(id: string): Promise<void>;
}

/** What a container gets to end in when the time before its turn has used up its grace, as from the kubelet. */
const LAST_GRACE_MS = 2_000;
const STOP_RETRY_MS = 1_000;

/**
 * Ends containers, each within its grace: it waits for its turn, then it gets its signal, at last SIGKILL. May be called
 * again for a container with less grace.
 */
export class ContainerStops {
  readonly #options: ContainerStopsOptions;

  constructor(options: ContainerStopsOptions) {
    this.#options = options;
  }

  async stop(step: StopStep): Promise<void> {
    const { context: { runtime, clock, log }, record, events, refresh } = this.#options;
    const { container, id, graceMs, why, after = [] } = step;
    if (record.pod && why !== "duplicate") events.stopping(record.pod, container, why);
    const endMs = clock.elapsed() + graceMs;
    await this.#until(() => hasEnded(record, id) || !isAnyRunning(record, after), graceMs);
    const restMs = endMs - clock.elapsed();
    try {
      await runtime.stop(id, Math.max(restMs, Math.min(graceMs, LAST_GRACE_MS)));
    } catch (error) {
      log.warn("Cannot stop a container", { container, id, error });
      if (record.pod) events.stopFailed(record.pod, messageOf(error));
      // The runtime may be back soon; without a rest the decision would ask for the same again at once.
      await clock.sleep(STOP_RETRY_MS);
    }
    await refresh(id);
  }

  /** Resolves when the condition holds, looked at with each change of the pod's containers; at the latest after `ms`. */
  async #until(condition: () => boolean, ms: number): Promise<void> {
    if (condition()) return;
    const { record, context: { clock } } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const unsubscribe = record.subscribe(() => condition() && resolve());
    const cancel = clock.after(ms, resolve);
    await promise;
    unsubscribe();
    cancel();
  }
}

function hasEnded(record: PodRecord, id: string): boolean {
  return record.containerOf(id)?.state !== "running";
}

function isAnyRunning({ containers }: PodRecord, names: readonly string[]): boolean {
  return containers.some(({ name, state }) => state === "running" && names.includes(name));
}
