import { isRefusal } from "../../core/client/api_error.ts";
import type { Client, View } from "../../core/client/client.ts";
import type { EventRecorder } from "../../core/client/event_recorder.ts";
import { AssertionError } from "../../core/lib/assert.ts";
import { type Backoff, waitMsAfter } from "../../core/lib/backoff.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { messageOf } from "../../core/lib/error_message.ts";
import type { Log } from "../../core/lib/log.ts";
import { WorkQueue } from "../../core/lib/work_queue.ts";
import { PROVISIONER_FINALIZER } from "../../core/resources/core/persistent_volumes/binding.ts";
import {
  type PersistentVolume,
  persistentVolumes,
} from "../../core/resources/core/persistent_volumes/persistent_volumes.ts";
import { LOCAL_PATH_PROVISIONER } from "../../core/resources/storage/local_path.ts";
import { ownFolderOf, type RemoveFolder } from "./local_path_folders.ts";

const RETRY: Backoff = { firstMs: 1_000, maxMs: 300_000, factor: 2 };

export interface ReleasedVolumesOptions {
  nodeName: string;
  /** Where the volumes of this node are. */
  volumesFolder: string;
  client: Pick<Client, "update" | "delete">;
  view: View;
  clock: Clock;
  log: Log;
  events: Pick<EventRecorder, "record">;
  removeFolder: RemoveFolder;
}

/**
 * Removes the folders of this node's volumes that are released, where their reclaim policy is to delete them; then the
 * volumes themselves. What is kept is left alone.
 *
 * https://kubernetes.io/docs/concepts/storage/persistent-volumes/#delete
 */
export class ReleasedVolumes {
  readonly #options: ReleasedVolumesOptions;
  readonly #failures = new Map<string, number>();

  constructor(options: ReleasedVolumesOptions) {
    this.#options = options;
  }

  /** Until the signal aborts. Nothing happens while no volume is released. */
  async run(signal: AbortSignal): Promise<void> {
    const { view, clock } = this.#options;
    const queue = new WorkQueue(clock);
    const note = (volume: PersistentVolume) => {
      if (this.#folderToRemove(volume) !== undefined) queue.add(volume.metadata.name);
    };
    const stop = view.subscribe(persistentVolumes, ({ type, object }) => {
      if (type !== "DELETED") note(object);
    });
    const close = () => queue.close();
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    try {
      view.list(persistentVolumes).forEach(note);
      for (let name = await queue.take(); name !== undefined; name = await queue.take()) {
        const againAfterMs = await this.#look(name);
        queue.done(name);
        if (againAfterMs !== undefined) queue.add(name, againAfterMs);
      }
    } finally {
      signal.removeEventListener("abort", close);
      stop();
    }
  }

  #folderToRemove(volume: PersistentVolume): string | undefined {
    const { spec, status: { phase } } = volume;
    const isDue = (phase === "Released" || phase === "Failed") &&
      spec.persistentVolumeReclaimPolicy === "Delete";
    return isDue ? ownFolderOf(volume, this.#options) : undefined;
  }

  /** Gives the time after which to try again, if that is needed. */
  async #look(name: string): Promise<number | undefined> {
    const { view, log } = this.#options;
    const volume = view.get(persistentVolumes, { name });
    const folder = volume && this.#folderToRemove(volume);
    if (folder === undefined) return void this.#failures.delete(name);
    try {
      await this.#remove(volume!, folder);
      return void this.#failures.delete(name);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      const failures = (this.#failures.get(name) ?? 0) + 1;
      this.#failures.set(name, failures);
      if (failures === 1) {
        log.warn("Cannot remove a released volume: it is tried again", { volume: name, error });
        this.#tell(volume!, messageOf(error));
      }
      return waitMsAfter(failures, RETRY);
    }
  }

  /** The finalizer goes when the view shows that the volume is being deleted: that is one more look. */
  async #remove(volume: PersistentVolume, folder: string): Promise<void> {
    const { client, removeFolder } = this.#options;
    const { name, uid, deletionTimestamp, finalizers = [] } = volume.metadata;
    await removeFolder(folder);
    try {
      if (deletionTimestamp === undefined) {
        await client.delete(persistentVolumes, { name }, { preconditions: { uid } });
      } else if (finalizers.includes(PROVISIONER_FINALIZER)) {
        const left = finalizers.filter((each) => each !== PROVISIONER_FINALIZER);
        const metadata = { ...volume.metadata, finalizers: left };
        await client.update(persistentVolumes, { ...volume, metadata });
      }
    } catch (error) { // gone already, or changed: then it is looked at again
      if (!isRefusal(error, "NotFound") && !isRefusal(error, "Conflict")) throw error;
    }
  }

  #tell(about: PersistentVolume, message: string): void {
    const reason = "VolumeFailedDelete";
    this.#options.events.record(LOCAL_PATH_PROVISIONER, {
      about,
      type: "Warning",
      reason,
      message,
    });
  }
}
