import { linesOf } from "../../../core/client/answer_body.ts";
import { ApiError } from "../../../core/client/api_error.ts";
import { LinkError } from "../../../core/client/link_error.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import { CommandError } from "../../../server/command_error.ts";
import type { Cluster, ObjectListing, Place } from "./cluster.ts";
import type { AnyObject } from "./objects.ts";

const RETRY_MS = 1_000;

interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: AnyObject;
}

/** The objects of one kind in one namespace, or everywhere, as last heard of. */
export class FollowedObjects<T extends AnyObject> {
  readonly #cluster: Cluster;
  readonly #place: Place;
  readonly #everywhere: boolean;
  readonly #objects = new Map<string, T>();
  #version = "";

  constructor(cluster: Cluster, place: Place, { everywhere = false } = {}) {
    this.#cluster = cluster;
    this.#place = place;
    this.#everywhere = everywhere;
  }

  /** Ordered as listed, new ones last. */
  get all(): readonly T[] {
    return [...this.#objects.values()];
  }

  named(name: string): T | undefined {
    return this.#objects.get(keyOf({ name, namespace: this.#cluster.namespace }));
  }

  /** Reads them all anew. Throws what the API refuses. */
  async list(): Promise<void> {
    const listing: ObjectListing<T> = await this.#cluster.list(this.#place, {
      everywhere: this.#everywhere,
    });
    this.#objects.clear();
    for (const object of listing.items) this.#objects.set(keyOf(object.metadata), object);
    this.#version = listing.metadata.resourceVersion;
  }

  /**
   * Follows changes until the signal aborts, through servers that stop and come back; they are listed before. Calls
   * `onChange` after each.
   */
  async follow(onChange: () => void, clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#watch(onChange, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!isWorthRetrying(error)) throw error;
        await clock.sleep(RETRY_MS, signal).catch(() => {}); // rejects only when the signal aborts
        await this.list().then(onChange, () => {}); // not back yet: tried again
      }
    }
  }

  /** Resolves when the server ends the watch, as it does now and then. */
  async #watch(onChange: () => void, signal: AbortSignal): Promise<void> {
    const query = new URLSearchParams({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: this.#version,
    });
    const { root, plural } = this.#place;
    const collection = this.#everywhere ? `${root}/${plural}` : this.#cluster.pathOf(this.#place);
    const path = `${collection}?${query}`;
    const body = await this.#cluster.open(path, signal);
    for await (const lines of linesOf(body, signal)) {
      for (const line of lines) this.#take(JSON.parse(line) as WatchEvent);
      onChange();
    }
  }

  #take({ type, object }: WatchEvent): void {
    if (type === "ERROR") throw new LinkError("the watch has failed"); // too old, as a rule
    if (type === "DELETED") this.#objects.delete(keyOf(object.metadata));
    else if (type !== "BOOKMARK") this.#objects.set(keyOf(object.metadata), object as T); // of the kind asked for
    this.#version = object.metadata.resourceVersion ?? this.#version;
  }
}

function keyOf({ namespace = "", name }: { namespace?: string; name: string }): string {
  return `${namespace}/${name}`;
}

function isWorthRetrying(error: unknown): boolean {
  if (error instanceof ApiError) return error.code === 410 || error.code >= 500;
  return error instanceof LinkError || error instanceof CommandError || error instanceof TypeError;
}
