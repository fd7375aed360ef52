import type { EventRecorder } from "../../core/client/event_recorder.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import { Wake } from "../../core/lib/wake.ts";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import type { FsUsage } from "../../core/usage/node_report.ts";
import type { ContainerRuntime, Image, ListedImage } from "../runtimes/container_runtime.ts";
import {
  bytesToFree,
  type DiskShares,
  imagesToRemove,
  type TrackedImage,
} from "./unused_images.ts";

/** The kubelet's `imageGCPeriod`. */
const LOOK_MS = 5 * 60_000;
/** Pulls come in bursts. */
const SETTLE_MS = 2_000;
const COMPONENT = "kubelet";

export interface ImageCollectorOptions {
  runtime: Pick<ContainerRuntime, "listImages" | "removeImage">;
  clock: Clock;
  log: Log;
  shares: DiskShares;
  /** An image that has come or was used since then stays. */
  ageMsMin: number;
  /** Whether the images are the node's alone. */
  mayRemove: boolean;
  /** Of the file system with the images. */
  disk(): FsUsage | undefined;
  onList(images: readonly ListedImage[]): void;
  events: Pick<EventRecorder, "record">;
  node(): Node | undefined;
}

/**
 * Knows the images of a node, and removes those that nobody has used for longest when the disk gets full.
 *
 * Guarantees: no image that a container is made of, none that was only made here, which could not be had again, and none
 * at all where they are not the node's alone.
 */
export class ImageCollector {
  readonly #options: ImageCollectorOptions;
  /** By id. */
  readonly #seen = new Map<string, { detectedMs: number; usedMs: number | undefined }>();
  #references: ReadonlySet<string> = new Set();
  readonly #wake = new Wake();

  constructor(options: ImageCollectorOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      this.#wake.clear();
      await this.#look().catch((error) => log.debug("Cannot list the images", { error }));
      await this.#wake.wait(signal, { clock, ms: LOOK_MS });
      await clock.sleep(SETTLE_MS, signal).catch(() => {}); // rejects only when the signal aborts
    }
  }

  /** Looks soon when that is an image which the last list did not show. */
  note({ reference }: Image): void {
    if (!this.#references.has(reference)) this.#wake.set();
  }

  /** Removes every image that nobody uses, whatever its age: the disk is too full. */
  async removeAllUnused(): Promise<void> {
    if (!this.#options.mayRemove) return;
    const tracked = await this.#track();
    await this.#remove(imagesToRemove(tracked, { bytes: Infinity, ageMsMin: 0, ...this.#now() }));
  }

  async #look(): Promise<void> {
    const { disk, shares, ageMsMin, mayRemove } = this.#options;
    const tracked = await this.#track();
    if (!mayRemove) return;
    const fs = disk();
    const bytes = fs === undefined ? 0 : bytesToFree(fs, shares);
    if (bytes <= 0) return;
    const freed = await this.#remove(imagesToRemove(tracked, { bytes, ageMsMin, ...this.#now() }));
    if (freed < bytes) this.#tellFailure(bytes, freed);
  }

  #now(): { elapsedMs: number } {
    return { elapsedMs: this.#options.clock.elapsed() };
  }

  async #track(): Promise<TrackedImage[]> {
    const { runtime, onList } = this.#options;
    const images = await runtime.listImages();
    onList(images);
    this.#references = new Set(images.map(({ reference }) => reference));
    const { elapsedMs } = this.#now();
    const ids = new Set(images.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
    return images.map((image) => {
      const { detectedMs = elapsedMs, usedMs } = this.#seen.get(image.id) ?? {};
      const seen = { detectedMs, usedMs: image.isUsed ? elapsedMs : usedMs };
      this.#seen.set(image.id, seen);
      return { ...image, ...seen };
    });
  }

  /** Resolves with how many bytes were freed. */
  async #remove(images: readonly TrackedImage[]): Promise<number> {
    const { runtime, log } = this.#options;
    let freed = 0;
    for (const { id, names, sizeBytes } of images) {
      try {
        await runtime.removeImage(id);
        log.info("Removed an image that nobody uses", { image: names.at(-1) ?? id });
        freed += sizeBytes;
      } catch (error) { // a container has been made of it meanwhile, or an image of somebody else's needs it
        log.debug("Cannot remove an image", { image: names.at(-1) ?? id, error });
      }
    }
    return freed;
  }

  #tellFailure(wanted: number, freed: number): void {
    const about = this.#options.node();
    if (about === undefined) return;
    const message = `Failed to garbage collect required amount of images. Attempted to free ${
      Math.ceil(wanted)
    } bytes, but only found ${freed} bytes eligible to free.`;
    const event = { about, type: "Warning", reason: "FreeDiskSpaceFailed", message } as const;
    this.#options.events.record(COMPONENT, event);
  }
}
