import { ENDED } from "../../core/lib/abort.ts";
import { messageOf } from "../../core/lib/error_message.ts";
import { containerNamed } from "../../core/resources/core/pods/spec/pod_containers.ts";
import { HookError, runHook } from "../hooks/hook.ts";
import { podTextOf } from "./container_status.ts";
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
 * Ends containers, each within its grace: its `preStop` hook runs, it waits for its turn, then it gets its signal, at last
 * SIGKILL. May be called again for a container with less grace.
 */
export class ContainerStops {
  readonly #options: ContainerStopsOptions;
  /** By container id; they go on when nobody waits for them any more. */
  readonly #hooks = new Map<string, Promise<void>>();

  constructor(options: ContainerStopsOptions) {
    this.#options = options;
  }

  async stop(step: StopStep): Promise<void> {
    const { context: { runtime, clock, log }, record, events, refresh } = this.#options;
    const { container, id, graceMs, why, after = [] } = step;
    if (record.pod && why !== "duplicate") events.stopping(record.pod, container, why);
    const endMs = clock.elapsed() + graceMs;
    if (why !== "duplicate") await this.#runPreStop(step);
    await this.#until(() => hasEnded(record, id) || !isAnyRunning(record, after), endMs);
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
    if (hasEnded(record, id)) this.#hooks.delete(id);
  }

  /** Runs the hook until it is done, the container has ended or its grace is over; once, however often it is stopped. */
  async #runPreStop(step: StopStep): Promise<void> {
    const { context: { clock }, record } = this.#options;
    const { id, graceMs } = step;
    const hook = this.#hooks.get(id) ?? (graceMs > 0 ? this.#startPreStop(step) : undefined);
    if (hook === undefined) return;
    this.#hooks.set(id, hook);
    await Promise.race([
      hook,
      this.#until(() => hasEnded(record, id), clock.elapsed() + graceMs),
    ]);
  }

  /** A command that is still going on when its container ends, ends with it; anything else is given up then. */
  #startPreStop({ container: name, id }: StopStep): Promise<void> | undefined {
    const { context: { runtime, clock }, record, events } = this.#options;
    const { pod, sandbox } = record;
    const container = pod && containerNamed(pod.spec, name);
    const hook = container?.lifecycle?.preStop;
    if (pod === undefined || hook === undefined) return undefined;
    const { ports = [] } = container!;
    const podIP = sandbox.state === "ready" ? sandbox.ip : "";
    const of = { container: name, podText: podTextOf(pod), podIP, containerId: id, ports };
    const givenUp = new AbortController();
    if (!hook.exec) {
      this.#until(() => hasEnded(record, id), Infinity).then(() => givenUp.abort(ENDED));
    }
    return runHook(hook, { ...of, runtime, clock }, givenUp.signal).catch((error) => {
      if (!(error instanceof HookError)) throw error;
      if (!givenUp.signal.aborted) events.hookFailed(pod, name, "PreStop");
    });
  }

  /** Resolves when the condition holds, looked at with each change of the pod's containers; at the latest at `endMs`. */
  async #until(condition: () => boolean, endMs: number): Promise<void> {
    const { record, context: { clock } } = this.#options;
    if (condition() || clock.elapsed() >= endMs) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const unsubscribe = record.subscribe(() => condition() && resolve());
    const cancel = endMs === Infinity ? () => {} : clock.after(endMs - clock.elapsed(), resolve);
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
