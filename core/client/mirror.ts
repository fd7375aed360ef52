import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Random } from "../lib/random.ts";
import { groupResourceOf } from "../resources/resource.ts";
import type { KeptView, SavedView } from "./kept_view.ts";
import { ListWatch, type Source } from "./list_watch.ts";
import { MirroredView } from "./mirrored_view.ts";
import type { ServerLink } from "./server_link.ts";

export interface MirrorOptions {
  link: ServerLink;
  /** What is mirrored; each kind once. Other kinds cannot be read. */
  sources: readonly Source[];
  clock: Clock;
  random: Random;
  log: Log;
}

/**
 * The API's objects on another machine: follows the server by lists and watches, and is read synchronously, as the store
 * is. While the server cannot be reached it shows the last known state.
 *
 * Each kind is followed separately, so across kinds it may show a state that never existed.
 */
export class Mirror extends MirroredView implements KeptView {
  readonly #options: MirrorOptions;
  readonly #watches = new Map<string, ListWatch>();
  /** The versions to go on from. Empty: everything is listed first. */
  #restored: Readonly<Record<string, string>> | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(options: MirrorOptions) {
    super(options.sources.map(({ resource }) => resource));
    this.#options = options;
  }

  restore({ position, objects }: SavedView): void {
    this.#restored = position as Record<string, string>; // of a mirror of these kinds, or of fewer
    this.putAll(objects);
  }

  /** Not of volatile kinds: nobody keeps their objects, so they are listed anew. */
  position(): Record<string, string> {
    return Object.fromEntries(
      this.#options.sources.flatMap(({ resource }) => {
        const name = groupResourceOf(resource);
        const version = this.#watches.get(name)?.version;
        return version === undefined || resource.volatile ? [] : [[name, version]];
      }),
    );
  }

  /** Whether the server has been heard of each kind since the start: what was restored may be old. */
  get isCurrent(): boolean {
    const restored = this.#restored;
    return restored === undefined ||
      [...this.#watches].every(([name, { version }]) =>
        version !== undefined && version !== restored[name]
      );
  }

  /**
   * Starts to follow the server, until the signal aborts. Resolves when all kinds were listed once, however long it takes
   * to reach the server, or at once when they were restored; rejects when the signal aborts first. Called once.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { sources } = this.#options;
    const listed = sources.map(() => Promise.withResolvers<void>());
    this.#ended = Promise.all(sources.map((source, i) => {
      const kind = this.kindOf(source.resource);
      const onListed = () => listed[i]!.resolve();
      const name = groupResourceOf(source.resource);
      const version = source.resource.volatile ? undefined : this.#restored?.[name]; // it is not kept
      const watch = new ListWatch({
        ...{ ...this.#options, source, kind, onListed },
        ...(version !== undefined && { version }),
      });
      this.#watches.set(name, watch);
      return watch.run(signal);
    }));
    if (this.#restored !== undefined) return;
    const all = Promise.all(listed.map(({ promise }) => promise));
    const early = this.#ended.then(() => Promise.reject(signal.reason));
    early.catch(() => {}); // a later end is reported by `ended`
    await Promise.race([all, early]);
  }

  /** Resolves when the signal has aborted and everything has ended. Rejects only for a fault of ours. */
  async ended(): Promise<void> {
    await this.#ended;
  }
}
