import { assert } from "../lib/assert.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Random } from "../lib/random.ts";
import {
  type AnyResource,
  apiVersionOf,
  groupResourceOf,
  type KubeObject,
  type Resource,
} from "../resources/resource.ts";
import type { ObjectName, ViewEvent } from "./client.ts";
import type { KeptView, SavedView } from "./kept_view.ts";
import { ListWatch, type Source } from "./list_watch.ts";
import { MirroredKind } from "./mirrored_kind.ts";
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
export class Mirror implements KeptView {
  readonly #kinds: ReadonlyMap<string, MirroredKind>;
  readonly #options: MirrorOptions;
  readonly #watches = new Map<string, ListWatch>();
  /** The versions to go on from. Empty: everything is listed first. */
  #restored: Readonly<Record<string, string>> | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#kinds = new Map(
      options.sources.map(({ resource }) => [
        groupResourceOf(resource),
        new MirroredKind(resource),
      ]),
    );
    assert(this.#kinds.size === options.sources.length, "a mirror has each kind once");
  }

  restore({ position, objects }: SavedView): void {
    this.#restored = position as Record<string, string>; // of a mirror of these kinds, or of fewer
    const kinds = new Map(
      this.#options.sources.map(({ resource }) => [kindKeyOf(resource), this.#kindOf(resource)]),
    );
    for (const object of objects) kinds.get(`${object.apiVersion} ${object.kind}`)?.put(object);
  }

  position(): Record<string, string> {
    return Object.fromEntries(
      [...this.#watches].flatMap(([name, { version }]) =>
        version === undefined ? [] : [[name, version]]
      ),
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

  onChange(listener: (resource: AnyResource, event: ViewEvent) => void): () => void {
    const stops = this.#options.sources.map(({ resource }) =>
      this.#kindOf(resource).subscribe((event) => listener(resource, event))
    );
    return () => stops.forEach((stop) => stop());
  }

  /**
   * Starts to follow the server, until the signal aborts. Resolves when all kinds were listed once, however long it takes
   * to reach the server, or at once when they were restored; rejects when the signal aborts first. Called once.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { sources } = this.#options;
    const listed = sources.map(() => Promise.withResolvers<void>());
    this.#ended = Promise.all(sources.map((source, i) => {
      const kind = this.#kindOf(source.resource);
      const onListed = () => listed[i]!.resolve();
      const name = groupResourceOf(source.resource);
      const version = this.#restored?.[name];
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

  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): T | undefined {
    return this.#kindOf(resource).get(name);
  }

  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[] {
    return this.#kindOf(resource).list(namespace);
  }

  by<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly T[] {
    return this.#kindOf(resource).by(index, value);
  }

  subscribe<T extends KubeObject>(
    resource: Resource<T>,
    listener: (event: ViewEvent<T>) => void,
  ): () => void {
    return this.#kindOf(resource).subscribe(listener);
  }

  #kindOf<T extends KubeObject>(resource: Resource<T>): MirroredKind<T> {
    const name = groupResourceOf(resource);
    const kind = this.#kinds.get(name);
    assert(kind !== undefined, `${name} are not mirrored`);
    return kind as unknown as MirroredKind<T>; // it was made for this resource
  }
}

function kindKeyOf(resource: AnyResource): string {
  return `${apiVersionOf(resource)} ${resource.kind}`;
}
