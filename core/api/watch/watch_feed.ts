import { concat } from "../../lib/bytes.ts";
import type { Prefix, Store } from "../../store/store.ts";
import type { ByteStream } from "../http/byte_stream.ts";
import { writeToAll } from "../http/fan_out.ts";
import { WATCH_QUEUE_BYTES_MAX } from "./watch_limits.ts";
import { type Matches, type SelectedEvent, selectedEvent, type WatchLines } from "./watch_lines.ts";

/** The client of one watch. */
export interface Watcher {
  readonly stream: ByteStream;
  readonly bookmarks: boolean;
  /** Whether it has been sent an event: the first Table contains the column definitions. */
  hasSentEvent: boolean;
}

/**
 * All watchers of the same selection in the same format: they share one subscription, and one chunk per burst of events.
 * A watcher that joins in the middle of a burst gets only what comes after.
 */
export class WatchFeed {
  readonly #watchers = new Set<Watcher>();
  #attached = 0;
  readonly #unsubscribe: () => void;
  #burst: SelectedEvent[] = [];

  /** `name`: unique among the feeds. */
  constructor(
    readonly name: string,
    readonly lines: WatchLines,
    { store, prefix, matches }: { store: Store; prefix: Prefix; matches: Matches },
  ) {
    this.#unsubscribe = store.subscribe(prefix, (event) => {
      if (this.#watchers.size === 0) return; // nobody has joined; to select may take a webhook, for which nobody here waits
      const selected = selectedEvent(event, matches);
      if (!selected) return;
      if (this.#burst.length === 0) queueMicrotask(() => this.flush());
      this.#burst.push(selected);
    });
  }

  /** Announces a watcher that will join, so that the feed stays open. */
  attach(): void {
    this.#attached++;
  }

  /** From now on the watcher gets new events. It must have been sent everything that is visible now. */
  join(watcher: Watcher): void {
    this.flush();
    this.#watchers.add(watcher);
  }

  hasJoined(watcher: Watcher): boolean {
    return this.#watchers.has(watcher);
  }

  /** Call it once for each `attach`. Returns whether it was the last one, which closes the feed. */
  leave(watcher: Watcher): boolean {
    this.#watchers.delete(watcher);
    this.#attached--;
    if (this.#attached === 0) this.#unsubscribe();
    return this.#attached === 0;
  }

  /** Sends the current burst. */
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

/** Writes to a watcher, and cuts it off when its queue is too long. */
export function send({ stream }: Watcher, chunk: Uint8Array): void {
  stream.write(chunk);
  cutOffIfFull(stream);
}

function cutOffIfFull(stream: ByteStream): void {
  if (stream.queuedBytes > WATCH_QUEUE_BYTES_MAX) stream.destroy();
}
