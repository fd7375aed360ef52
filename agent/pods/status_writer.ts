import { isRefusal } from "../../core/client/api_error.ts";
import type { Client, View } from "../../core/client/client.ts";
import { ENDED } from "../../core/lib/abort.ts";
import { AssertionError } from "../../core/lib/assert.ts";
import { type Backoff, waitMsAfter } from "../../core/lib/backoff.ts";
import { LinkError } from "../../core/client/link_error.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { isEqual } from "../../core/lib/equality.ts";
import type { Log } from "../../core/lib/log.ts";
import type { ContainerStatus, PodStatus } from "../../core/resources/core/pods/pod_status.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { withKeptStatus } from "../reports/kept_statuses.ts";
import type { Reporting } from "../reports/reporting.ts";
import { statusOf } from "./runs/container_runs.ts";

const RETRY: Backoff = { firstMs: 100, maxMs: 30_000, factor: 2 };
/** The kubelet looks at its containers once a second: startup progress that is over sooner is never reported. */
const STARTUP_PROGRESS_MS = 1_000;

export interface StatusWriterOptions extends Reporting {
  podUid: string;
  podName: { namespace: string; name: string };
  client: Pick<Client, "updateStatus">;
  view: Pick<View, "get">;
  clock: Clock;
  log: Log;
  /** The status as it is now, for the newest version of the pod. */
  statusOf(pod: Pod): PodStatus;
}

/**
 * Writes one pod's status to the API in the background.
 *
 * Guarantees: one write at a time; changes meanwhile go with the next write, and the latest wins; a status that is the
 * same is not written; mere startup progress is written with the next change that is more, within a second; a write that
 * failed is retried with a growing wait, and as soon as the API answers again. While it cannot be reached, the status is
 * kept for an agent that starts meanwhile.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #stop = new AbortController();
  #isDirty = false;
  /** Whether startup progress is to be written now, too. */
  #isDue = false;
  #cancelTimer: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  /** The result of the last write, and the version that it was made from: a mirror may not show it yet. */
  #written: { pod: Pod; basedOn: string } | undefined;
  /** What the API does not know, because it cannot be reached. */
  #unreported: PodStatus | undefined;
  readonly #whenKept = new Set<() => void>();

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#unreported = options.keptStatuses?.get(options.podUid);
  }

  /** To be called when the status may have changed. */
  mark(): void {
    this.#isDirty = true;
    if (this.#unreported !== undefined) this.#keep();
    this.#writing ??= this.#drain();
  }

  /** Resolves when the present status has been written, or is kept until it can be, or the pod is gone. */
  async flush(): Promise<void> {
    this.#isDue = true;
    const { promise: kept, resolve } = Promise.withResolvers<void>();
    this.#whenKept.add(resolve);
    this.mark();
    await Promise.race([this.#writing, kept]);
    this.#whenKept.delete(resolve);
  }

  /** A pod of the view, with the status that was written last, or could not be, if the view does not show that yet. */
  withLastWritten(pod: Pod): Pod {
    const known = this.#known(pod);
    return this.#unreported === undefined ? known : withKeptStatus(known, this.#unreported);
  }

  /** As the API has it. */
  #known(pod: Pod): Pod {
    const isStale = this.#written?.basedOn === pod.metadata.resourceVersion;
    return isStale ? this.#written!.pod : pod;
  }

  /** Writes nothing more. */
  close(): void {
    this.#stop.abort(ENDED);
    this.#cancelTimer?.();
  }

  async #drain(): Promise<void> {
    await Promise.resolve(); // changes of the same turn make one write
    let failures = 0;
    while (this.#isDirty && !this.#stop.signal.aborted) {
      this.#isDirty = false;
      try {
        await this.#write();
        failures = 0;
      } catch (error) {
        if (error instanceof AssertionError) throw error;
        this.#isDirty = true;
        failures++;
        await this.#waitToRetry(error, failures);
      }
    }
    this.#writing = undefined;
  }

  async #waitToRetry(error: unknown, failures: number): Promise<void> {
    const { clock, log } = this.#options;
    const isConflict = isRefusal(error, "Conflict");
    if (isConflict && failures === 1) return; // there was another writer: decide again on the newest version
    if (!isConflict && failures === 1) log.warn("Cannot write the status of a pod", { error });
    if (error instanceof LinkError) this.#keep();
    const restored = new AbortController();
    const release = this.#options.onRestored?.(() => restored.abort(ENDED));
    const either = AbortSignal.any([this.#stop.signal, restored.signal]);
    await clock.sleep(waitMsAfter(failures, RETRY), either).catch(() => {}); // rejects only when a signal aborts
    release?.();
  }

  /** Keeps the present status until it can be written. */
  #keep(): void {
    const { keptStatuses: kept, podUid, statusOf } = this.#options;
    const pod = this.#newest();
    if (kept === undefined || pod === undefined) return;
    const status = statusOf(pod);
    if (!isEqual(status, this.#unreported)) kept.keep(podUid, this.#unreported = status);
    for (const resolve of this.#whenKept) resolve();
  }

  #report(): void {
    if (this.#unreported === undefined) return;
    this.#unreported = undefined;
    this.#options.keptStatuses?.forget(this.#options.podUid);
  }

  async #write(): Promise<void> {
    const { client, statusOf } = this.#options;
    const shown = this.#shown();
    if (shown === undefined) return;
    const pod = this.#known(shown);
    const status = statusOf(this.withLastWritten(shown));
    const hasChanged = !isEqual(status, pod.status);
    if (hasChanged && !this.#isDue && isStartupProgress(pod, status)) return this.#writeSoon();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#isDue = false;
    if (!hasChanged) return this.#report();
    try {
      const written = await client.updateStatus(pods, { ...pod, status });
      this.#written = { pod: written, basedOn: pod.metadata.resourceVersion };
      this.#report();
    } catch (error) {
      if (isRefusal(error, "NotFound")) return this.#report();
      this.#isDue = true;
      throw error;
    }
  }

  #writeSoon(): void {
    this.#cancelTimer ??= this.#options.clock.after(STARTUP_PROGRESS_MS, () => {
      this.#cancelTimer = undefined;
      this.#isDue = true;
      this.mark();
    });
  }

  #newest(): Pod | undefined {
    const pod = this.#shown();
    return pod && this.withLastWritten(pod);
  }

  #shown(): Pod | undefined {
    const { view, podName, podUid } = this.#options;
    const pod = view.get(pods, podName);
    return pod?.metadata.uid === podUid ? pod : undefined;
  }
}

/** Whether all that changes is startup progress: a network, containers that are created but do not run yet. */
function isStartupProgress(pod: Pod, after: PodStatus): boolean {
  return isEqual(withoutStartupProgress(pod.status), withoutStartupProgress(after)) &&
    (after.containerStatuses ?? []).every((container) => {
      const was = statusOf(pod, container.name);
      return was !== undefined && (isEqual(was, container) || isBeingCreated(was, container));
    });
}

function withoutStartupProgress(
  { podIP: _, podIPs: __, containerStatuses: ___, conditions = [], ...rest }: PodStatus,
): object {
  return {
    ...rest,
    conditions: conditions.filter(({ type }) => type !== "PodReadyToStartContainers"),
  };
}

function isBeingCreated(was: ContainerStatus, { state, ready, started }: ContainerStatus): boolean {
  const isWord = /^(ContainerCreating|PodInitializing)$/.test(state.waiting?.reason ?? "");
  return isWord && was.ready === ready &&
    was.started === started;
}
