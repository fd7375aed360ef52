import { AssertionError } from "../lib/assert.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Random } from "../lib/random.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import { followLines } from "./answer_body.ts";
import { ApiError, apiErrorOf } from "./api_error.ts";
import { LinkError } from "./link_error.ts";
import type { MirroredKind } from "./mirrored_kind.ts";
import { collectionPath } from "./object_path.ts";
import { restBeforeRetry } from "./retry_pace.ts";
import type { ServerLink } from "./server_link.ts";

/** A watch that lasted this long ended normally. */
const HEALTHY_AFTER_MS = 30_000;

/** Which objects of a kind are followed. */
export interface Source {
  resource: AnyResource;
  /** Absent: of all namespaces. */
  namespace?: string;
  /** E.g. `spec.nodeName=edge`. */
  fieldSelector?: string;
  /** Known from feeds only: servers that tell of it in none do not let nodes read it either, and then there is none. */
  isOnlyFed?: true;
}

export interface ListWatchOptions {
  link: ServerLink;
  source: Source;
  kind: MirroredKind;
  clock: Clock;
  random: Random;
  log: Log;
  /** The version that `kind` shows already; absent: everything is listed first. */
  version?: string;
  /** Called whenever all objects were listed. */
  onListed(): void;
}

interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: KubeObject;
}

/**
 * Keeps the objects of one kind in sync with the server: lists them once, then watches, and resumes from the last version
 * it saw when a watch ends. When that version is no longer kept (410), it lists again.
 *
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export class ListWatch {
  readonly #options: ListWatchOptions;
  /** The last version seen. `undefined`: everything must be listed. */
  #version: string | undefined;
  #refusal = "";

  constructor(options: ListWatchOptions) {
    this.#options = options;
    this.#version = options.version;
  }

  /** What was seen last: the kind shows it, or something newer. `undefined`: nothing that a watch could go on from. */
  get version(): string | undefined {
    return this.#version;
  }

  /** Runs until the signal aborts, whatever the server does. Rejects only for a fault of ours. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      const startedMs = clock.elapsed();
      const goesOn = this.#version !== undefined;
      let isGivenUp = false;
      try {
        if (!goesOn) await this.#list(signal);
        isGivenUp = await this.#watch(signal);
      } catch (error) {
        if (error instanceof AssertionError) throw error;
        if (!signal.aborted) this.#note(error);
        // Being unable to resume is no failure: the server has answered, and a list follows. After a list it is one.
        isGivenUp = goesOn && this.#version === undefined;
      }
      const isHealthy = clock.elapsed() - startedMs >= HEALTHY_AFTER_MS;
      failures = isHealthy || isGivenUp ? 1 : failures + 1;
      await restBeforeRetry(failures, this.#options, signal);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { link, kind, onListed } = this.#options;
    const answer = await link.ask({ method: "GET", path: this.#path({}) }, signal);
    const { metadata, items } = listOf(answer);
    kind.replace(items);
    this.#version = metadata.resourceVersion;
    this.#refusal = "";
    onListed();
  }

  /** Resolves when the server ends the watch, or with true when it was given up to be reopened, which is not a failure. */
  async #watch(signal: AbortSignal): Promise<boolean> {
    const query = { watch: "true", allowWatchBookmarks: "true", resourceVersion: this.#version! };
    const take = (line: string) => this.#take(JSON.parse(line) as WatchEvent);
    return await followLines(this.#options, this.#path(query), take, signal);
  }

  #take({ type, object }: WatchEvent): void {
    const { kind } = this.#options;
    if (type === "ERROR") throw apiErrorOf(object) ?? new LinkError("the watch has failed");
    if (type === "DELETED") kind.remove(object);
    else if (type !== "BOOKMARK") kind.put(object);
    this.#version = object.metadata.resourceVersion;
  }

  /** Forgets a version that cannot be resumed. That the server cannot be reached is logged by the link. */
  #note(error: unknown): void {
    const { log, source: { resource } } = this.#options;
    if (!(error instanceof ApiError)) {
      log.debug("A watch has ended", { of: resource.plural, error });
      return;
    }
    // 410: too old. 504: newer than the server's own, which was restored from a backup.
    if (error.code === 410 || error.code === 504) this.#version = undefined;
    else if (error.message !== this.#refusal) {
      this.#refusal = error.message;
      log.warn(`Cannot follow ${resource.plural}`, { error });
    }
  }

  #path(query: Record<string, string>): string {
    const { resource, namespace, fieldSelector } = this.#options.source;
    const all = new URLSearchParams({ ...query, ...(fieldSelector && { fieldSelector }) });
    const path = collectionPath(resource, namespace);
    return all.size > 0 ? `${path}?${all}` : path;
  }
}

interface ObjectList {
  metadata: { resourceVersion: string };
  items: readonly KubeObject[];
}

function listOf(answer: unknown): ObjectList {
  const { metadata, items } = answer as Partial<ObjectList>;
  if (metadata?.resourceVersion !== undefined && Array.isArray(items)) {
    return { metadata, items };
  }
  throw new LinkError("the answer is not a list");
}
