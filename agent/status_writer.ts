import { isRefusal } from "../core/client/api_error.ts";
import type { Client, View } from "../core/client/client.ts";
import { ENDED } from "../core/lib/abort.ts";
import { AssertionError } from "../core/lib/assert.ts";
import { type Backoff, waitMsAfter } from "../core/lib/backoff.ts";
import type { Clock } from "../core/lib/clock.ts";
import { isEqual } from "../core/lib/equality.ts";
import type { Log } from "../core/lib/log.ts";
import type { PodStatus } from "../core/resources/pod_status.ts";
import { type Pod, pods } from "../core/resources/pods.ts";

const RETRY: Backoff = { firstMs: 100, maxMs: 30_000, factor: 2 };

export interface StatusWriterOptions {
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
 * Writes one pod's status to the API, without anybody waiting for it.
 *
 * Guarantees: one write at a time; what changes meanwhile is written by the next, the latest wins; a status that
 * says nothing new is not written; a write that failed is tried again with a growing wait.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #stop = new AbortController();
  #isDirty = false;
  #writing: Promise<void> | undefined;
  /** What the last write gave, and the version that it was made from: a mirror may not show it yet. */
  #written: { pod: Pod; basedOn: string } | undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Says that the status may have changed. */
  mark(): void {
    this.#isDirty = true;
    this.#writing ??= this.#drain();
  }

  /** Resolves when the status that is true now has been written, or the pod is gone. */
  async flush(): Promise<void> {
    this.mark();
    await this.#writing;
  }

  /** A pod of the view with the status that was written last, should the view not show that yet. */
  withNews(pod: Pod): Pod {
    const isStale = this.#written?.basedOn === pod.metadata.resourceVersion;
    return isStale ? this.#written!.pod : pod;
  }

  /** Nothing is written any more. */
  close(): void {
    this.#stop.abort(ENDED);
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
        await this.#rest(error, failures);
      }
    }
    this.#writing = undefined;
  }

  async #rest(error: unknown, failures: number): Promise<void> {
    const { clock, log } = this.#options;
    const isConflict = isRefusal(error, "Conflict");
    if (isConflict && failures === 1) return; // somebody else wrote: decide again on what is there
    if (!isConflict && failures === 1) log.warn("Cannot write the status of a pod", { error });
    await clock.sleep(waitMsAfter(failures, RETRY), this.#stop.signal).catch(() => {});
  }

  async #write(): Promise<void> {
    const { client, statusOf } = this.#options;
    const pod = this.#newest();
    if (pod === undefined) return;
    const status = statusOf(pod);
    if (isEqual(status, pod.status)) return;
    try {
      const written = await client.updateStatus(pods, { ...pod, status });
      this.#written = { pod: written, basedOn: pod.metadata.resourceVersion };
    } catch (error) {
      if (!isRefusal(error, "NotFound")) throw error;
    }
  }

  #newest(): Pod | undefined {
    const { view, podName, podUid } = this.#options;
    const pod = view.get(pods, podName);
    return pod === undefined || pod.metadata.uid !== podUid ? undefined : this.withNews(pod);
  }
}
