import { ApiError } from "../../client/api_error.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { Random } from "../../lib/random.ts";
import type { Objects } from "../../objects/objects.ts";
import type { KubeObject } from "../../resources/resource.ts";
import type { Prefix, Store } from "../../store/store.ts";
import { openStream } from "../http/answer.ts";
import { writeParts } from "../http/parts_writer.ts";
import type { Format } from "../http/accept.ts";
import type { ApiContext } from "../http/api_context.ts";
import type { ServedKind, ServedKinds } from "../discovery/served_kinds.ts";
import { refusalFor } from "../http/status.ts";
import type { IncludeObject } from "../discovery/table.ts";
import { send, type Watcher, WatchFeed } from "./watch_feed.ts";
import { type Matches, matchesAll, selectedEvent, WatchLines } from "./watch_lines.ts";

/** Of all kinds. A TLS connection takes about 40 KB. */
export const WATCHERS_MAX = 10_000;
const BOOKMARK_MS = 60_000;
/** A watch without `timeoutSeconds` ends after a random time of one to two times this, which spreads the load. */
const WATCH_SECONDS_DEFAULT = 1800;

export interface WatchRequest {
  kind: ServedKind;
  prefix: Prefix;
  matches: Matches;
  /** Equal for requests with equal `matches`. */
  selection: string;
  format: Format;
  include: IncludeObject;
  /** Start after this revision; `undefined`: with the current state, each object as ADDED. */
  after: number | undefined;
  bookmarks: boolean;
  /** A bookmark with the annotation `k8s.io/initial-events-end` follows the initial state. */
  marksInitialEnd: boolean;
  timeoutSeconds: number | undefined;
}

interface Options {
  kinds: Pick<ServedKinds, "all">;
  objects: Pick<Objects, "store" | "conversions">;
  clock: Clock;
  random: Random;
  log: Log;
}

/** All watches: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
export class Watches {
  readonly #options: Options;
  readonly #feeds = new Map<string, WatchFeed>();
  readonly #open = new Map<Watcher, WatchFeed>();
  /** Whether the credential of each is still valid. */
  readonly #validity = new Map<Watcher, () => boolean>();
  #cancelBookmarks: (() => void) | undefined;
  #isStopping = false;

  constructor(options: Options) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Answers a watch request. Errors after the head has been sent become ERROR events. */
  open(c: ApiContext, request: WatchRequest): Response {
    if (this.#open.size >= WATCHERS_MAX || this.#isStopping) {
      throw new ApiError("TooManyRequests", "too many requests, please try again later", {
        retryAfterSeconds: 1,
      });
    }
    const { stream, response } = openStream(c, "application/json");
    const watcher: Watcher = { stream, bookmarks: request.bookmarks, hasSentEvent: false };
    const feed = this.#feedFor(request);
    feed.attach();
    this.#open.set(watcher, feed);
    this.#validity.set(watcher, c.get("isCurrent"));
    stream.gone.addEventListener("abort", () => this.#close(watcher), { once: true });
    this.#endInTime(watcher, request.timeoutSeconds);
    this.#armBookmarks();
    void this.#start(watcher, feed, request);
    return response;
  }

  /** Ends every watch properly and refuses new ones. */
  stop(): void {
    this.#isStopping = true;
    for (const watcher of [...this.#open.keys()]) this.#end(watcher);
  }

  /** Ends the watches of users whose credentials are no longer valid. */
  endRevoked(): void {
    for (const [watcher, isCurrent] of [...this.#validity]) if (!isCurrent()) watcher.stream.end();
  }

  /** Ends the watches of kinds that are no longer served, or whose definition has changed; clients then start anew. */
  endUnserved(): void {
    const served = new Set(this.#options.kinds.all);
    for (const feed of [...this.#feeds.values()]) {
      if (!served.has(feed.lines.kind)) this.#feeds.delete(feed.name); // new watchers get a new feed
    }
    for (const [watcher, feed] of [...this.#open]) {
      if (!served.has(feed.lines.kind)) this.#end(watcher);
    }
  }

  #feedFor(request: WatchRequest): WatchFeed {
    const { kind, prefix, selection, format, include } = request;
    const name = [kind.apiVersion, ...prefix, selection, ...Object.values(format), include].join(
      "|",
    );
    let feed = this.#feeds.get(name);
    if (!feed) {
      const { clock, objects: { store } } = this.#options;
      const lines = new WatchLines(kind, format, include, clock);
      feed = new WatchFeed(name, lines, { store, prefix, matches: request.matches });
      this.#feeds.set(name, feed);
    }
    return feed;
  }

  /** Sends the past at the watcher's pace, and lets it join the feed in the turn in which nothing is left to send. */
  async #start(watcher: Watcher, feed: WatchFeed, request: WatchRequest): Promise<void> {
    try {
      const after = request.after ?? await this.#sendInitial(watcher, feed, request);
      await this.#catchUp(watcher, feed, request, after);
    } catch (error) {
      const refusal = refusalFor(error);
      if (!refusal) this.#options.log.error("Cannot go on with a watch", { error });
      send(
        watcher,
        feed.lines.error(refusal ?? new ApiError("InternalError", "Internal error occurred")),
      );
      watcher.stream.end();
    }
  }

  async #sendInitial(watcher: Watcher, feed: WatchFeed, request: WatchRequest): Promise<number> {
    const { store } = this.#options.objects;
    const { revision } = store;
    const { prefix, matches } = request;
    const all = store.list(prefix);
    if (isConverted(request)) await this.#prepare(request, all.map(({ object }) => object));
    const entries = matches === matchesAll ? all : all.filter(({ object }) => matches(object));
    await writeParts(
      watcher.stream,
      lazyParts(
        entries,
        (entry) => this.#pastLine(watcher, feed, { type: "ADDED", entry, source: entry }),
      ),
    );
    if (request.marksInitialEnd) {
      this.#bookmark(watcher, feed, { revision, initialEventsEnd: true });
    }
    return revision;
  }

  async #catchUp(
    watcher: Watcher,
    feed: WatchFeed,
    request: WatchRequest,
    after: number,
  ): Promise<void> {
    const { store } = this.#options.objects;
    const { prefix, matches } = request;
    const { gone } = watcher.stream;
    for (let seen = after; !gone.aborted;) {
      const events = store.eventsAfter(prefix, seen);
      if (events.length === 0) {
        if (!isConverted(request)) return feed.join(watcher);
        await nextChange(store, prefix, gone); // a feed cannot wait for a webhook
        continue;
      }
      seen = events.at(-1)!.revision;
      if (isConverted(request)) {
        const both = events.flatMap(({ entry, previous }) =>
          previous ? [entry, previous] : [entry]
        );
        await this.#prepare(request, both.map(({ object }) => object));
      }
      const selected = events.flatMap((event) => selectedEvent(event, matches) ?? []);
      if (isConverted(request)) {
        await this.#prepare(request, selected.map(({ entry: { object } }) => object));
      }
      await writeParts(
        watcher.stream,
        lazyParts(selected, (event) => this.#pastLine(watcher, feed, event)),
      );
    }
  }

  #prepare({ kind: { resource } }: WatchRequest, objects: readonly KubeObject[]): Promise<void> {
    return this.#options.objects.conversions.prepare(resource, objects);
  }

  #pastLine(watcher: Watcher, feed: WatchFeed, event: Parameters<WatchLines["of"]>[0]): Uint8Array {
    const first = !watcher.hasSentEvent;
    watcher.hasSentEvent = true;
    return feed.lines.of(event, { first, live: false });
  }

  #endInTime(watcher: Watcher, timeoutSeconds: number | undefined): void {
    const { clock, random } = this.#options;
    const seconds = timeoutSeconds || WATCH_SECONDS_DEFAULT * (1 + random.next());
    const cancel = clock.after(seconds * 1000, () => this.#end(watcher));
    watcher.stream.gone.addEventListener("abort", cancel, { once: true });
  }

  /** Ends properly: sends what is queued, a last bookmark, the last chunk. */
  #end(watcher: Watcher): void {
    const feed = this.#open.get(watcher);
    if (!feed) return;
    this.#sendBookmark(watcher, feed);
    watcher.stream.end();
  }

  #close(watcher: Watcher): void {
    const feed = this.#open.get(watcher);
    if (!feed) return;
    this.#open.delete(watcher);
    this.#validity.delete(watcher);
    if (feed.leave(watcher) && this.#feeds.get(feed.name) === feed) this.#feeds.delete(feed.name);
    if (this.#open.size > 0) return;
    this.#cancelBookmarks?.();
    this.#cancelBookmarks = undefined;
  }

  #armBookmarks(): void {
    this.#cancelBookmarks ??= this.#options.clock.after(BOOKMARK_MS, () => {
      this.#cancelBookmarks = undefined;
      this.endRevoked(); // certificates may have expired
      for (const [watcher, feed] of this.#open) this.#sendBookmark(watcher, feed);
      if (this.#open.size > 0) this.#armBookmarks();
    });
  }

  /** Only to watchers that have joined: others have not yet been sent everything before the bookmark. */
  #sendBookmark(watcher: Watcher, feed: WatchFeed): void {
    feed.flush();
    if (!watcher.bookmarks || !feed.hasJoined(watcher)) return;
    const { revision } = this.#options.objects.store;
    this.#bookmark(watcher, feed, { revision, initialEventsEnd: false });
  }

  #bookmark(
    watcher: Watcher,
    feed: WatchFeed,
    { revision, initialEventsEnd }: { revision: number; initialEventsEnd: boolean },
  ): void {
    const first = !watcher.hasSentEvent;
    watcher.hasSentEvent = true;
    send(watcher, feed.lines.bookmark(revision, { initialEventsEnd, first }));
  }
}

/** Whether a webhook has to be asked before objects can be sent. */
function isConverted({ kind: { resource } }: WatchRequest): boolean {
  return resource.reading?.conversions !== undefined;
}

/** Resolves when something under the prefix has changed, or with the signal. */
function nextChange(store: Store, prefix: Prefix, gone: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const unsubscribe = store.subscribe(prefix, end);
  gone.addEventListener("abort", end);
  if (gone.aborted) end();
  return promise.finally(() => {
    unsubscribe();
    gone.removeEventListener("abort", end);
  });
}

function* lazyParts<T>(items: Iterable<T>, partOf: (item: T) => Uint8Array): Iterable<Uint8Array> {
  for (const item of items) yield partOf(item);
}
