import { concat } from "../../lib/bytes.ts";
import type { Prefix, Store } from "../../store/store.ts";
import type { ByteStream } from "../http/byte_stream.ts";
import { writeToAll } from "../http/fan_out.ts";
import { WATCH_QUEUE_BYTES_MAX } from "./watch_limits.ts";
import { type Matches, type SelectedEvent, selectedEvent, type WatchLines } from "./watch_lines.ts";

/** One who watches. */
export interface Watcher {
  readonly stream: ByteStream;
  readonly bookmarks: boolean;
  /** Whether it has been sent an event: the first of a Table carries the columns. */
  hasSentEvent: boolean;
}

/**
 * All who watch the same: one subscription, and one chunk for each burst of events, made once and written
 * to every socket. Watchers that join in the middle of a burst get only what came after they joined.
 */
export class WatchFeed {
  readonly #watchers = new Set<Watcher>();
  #attached = 0;
  readonly #unsubscribe: () => void;
  #burst: SelectedEvent[] = [];

  /** `name`: tells it from other feeds. */
  constructor(
    readonly name: string,
    readonly lines: WatchLines,
    { store, prefix, matches }: { store: Store; prefix: Prefix; matches: Matches },
  ) {
    this.#unsubscribe = store.subscribe(prefix, (event) => {
      const selected = selectedEvent(event, matches);
      if (!selected) return;
      if (this.#burst.length === 0) queueMicrotask(() => this.flush());
      this.#burst.push(selected);
    });
  }

  /** Announces a watcher that is to join, so that the feed stays open. */
  attach(): void {
    this.#attached++;
  }

  /** From now on the watcher gets what happens. It must have been sent all that is visible now. */
  join(watcher: Watcher): void {
    this.flush();
    this.#watchers.add(watcher);
  }

  hasJoined(watcher: Watcher): boolean {
    return this.#watchers.has(watcher);
  }

  /** Once for each `attach`. Returns whether this was the last one, and the feed is closed. */
  leave(watcher: Watcher): boolean {
    this.#watchers.delete(watcher);
    this.#attached--;
    if (this.#attached === 0) this.#unsubscribe();
    return this.#attached === 0;
  }

  /** Writes what waits. */
  flush(): void {
    const burst = this.#burst;
    if (burst.length === 0) return;
    this.#burst = [];
    const others: ByteStream[] = [];
    for (const watcher of this.#watchers) {
      const isFirst = !watcher.hasSentEvent && this.lines.format.as === "table";
      watcher.hasSentEvent = true;
      if (isFirst) send(watcher, this.#chunk(burst, true));
      else others.push(watcher.stream);
    }
    if (others.length === 0) return;
    writeToAll(others, this.#chunk(burst, false));
    for (const stream of others) cutOffIfFull(stream);
  }

  #chunk(burst: readonly SelectedEvent[], startsWithFirst: boolean): Uint8Array {
    const lines = burst.map((event, index) =>
      this.lines.of(event, { first: startsWithFirst && index === 0, live: true })
    );
    return lines.length === 1 ? lines[0]! : concat(lines);
  }
}

/** Writes to a watcher, or cuts it off when too much waits for it already. */
export function send({ stream }: Watcher, chunk: Uint8Array): void {
  stream.write(chunk);
  cutOffIfFull(stream);
}

function cutOffIfFull(stream: ByteStream): void {
  if (stream.queuedBytes > WATCH_QUEUE_BYTES_MAX) stream.destroy();
}
