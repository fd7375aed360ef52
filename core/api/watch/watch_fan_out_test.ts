import assert from "node:assert/strict";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { configMaps } from "../../resources/core/config_maps.ts";
import { freshApi } from "../api_fixture.ts";
import type { ByteStream } from "../http/byte_stream.ts";
import { ServedKind } from "../discovery/served_kinds.ts";
import { WatchFeed } from "./watch_feed.ts";
import { WATCH_QUEUE_BYTES_MAX } from "./watch_limits.ts";
import { type Matches, matchesAll, WatchLines } from "./watch_lines.ts";

const PATH = "/api/v1/namespaces/default/configmaps";
const WATCHERS = 1_000;
const EVENTS = 20;
const LARGE_BYTES = 512 * 1024;

Deno.test("1,000 watchers of one kind cost one encoding per event, whatever they select", async () => {
  const { objects: { store }, ask } = await freshApi();
  const kind = new CountedKind();
  const selections: Matches[] = [matchesAll, ({ metadata }) => metadata.name !== "none"];
  const feeds = selections.map((matches) => {
    const lines = new WatchLines(kind, { as: "object" }, "Metadata", new VirtualClock());
    return new WatchFeed("feed", lines, { store, prefix: ["configmaps"], matches });
  });
  const streams = Array.from({ length: WATCHERS }, (_, i) => joined(feeds[i % 2]!));
  for (let i = 0; i < EVENTS; i++) await ask("POST", PATH, { metadata: { name: `map-${i}` } });
  assert.equal(kind.encodings, EVENTS);
  for (const { chunks } of streams) {
    assert.equal(chunks.length, EVENTS);
    assert.ok(chunks.every((chunk, i) => chunk === streams[0]!.chunks[i]), "the bytes are shared");
  }
});

Deno.test("a watcher that does not read is cut off alone, and the others hear all", async () => {
  const { objects: { store }, ask } = await freshApi();
  const lines = new WatchLines(
    new CountedKind(),
    { as: "object" },
    "Metadata",
    new VirtualClock(),
  );
  const feed = new WatchFeed("feed", lines, { store, prefix: ["configmaps"], matches: matchesAll });
  const [slow, ...others] = Array.from({ length: 10 }, () => joined(feed));
  slow!.reads = false;
  const events = Math.ceil(WATCH_QUEUE_BYTES_MAX / LARGE_BYTES) + 2;
  for (let i = 0; i < events; i++) {
    const data = { text: "x".repeat(LARGE_BYTES) };
    await ask("POST", PATH, { metadata: { name: `map-${i}` }, data });
  }
  assert.ok(slow!.gone.aborted);
  assert.ok(slow!.queuedBytes <= WATCH_QUEUE_BYTES_MAX + 2 * LARGE_BYTES);
  for (const { gone, chunks } of others) {
    assert.deepEqual([gone.aborted, chunks.length], [false, events]);
  }
});

Deno.test("lines of what was there when a watch began are not kept", async () => {
  const { objects: { store }, ask } = await freshApi();
  await ask("POST", PATH, { metadata: { name: "a" } });
  const lines = new WatchLines(
    new CountedKind(),
    { as: "object" },
    "Metadata",
    new VirtualClock(),
  );
  const [entry] = store.list(["configmaps"]);
  const line = () =>
    lines.of({ type: "ADDED", entry: entry!, source: entry! }, { first: true, live: false });
  assert.notEqual(line(), line());
  assert.deepEqual(line(), line());
});

function joined(feed: WatchFeed): CapturedStream {
  const stream = new CapturedStream();
  feed.attach();
  feed.join({ stream, bookmarks: false, hasSentEvent: false });
  return stream;
}

class CountedKind extends ServedKind {
  encodings = 0;

  constructor() {
    super(configMaps, undefined);
  }

  override bytesOf(stored: Parameters<ServedKind["bytesOf"]>[0]): Uint8Array {
    this.encodings++;
    return super.bytesOf(stored);
  }
}

/** A peer that takes what is written at once, or nothing. */
class CapturedStream implements ByteStream {
  readonly keepsBytes = true;
  readonly chunks: Uint8Array[] = [];
  reads = true;
  queuedBytes = 0;
  readonly #gone = new AbortController();

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  write(bytes: Uint8Array): boolean {
    if (this.gone.aborted) return true;
    this.chunks.push(bytes);
    if (!this.reads) this.queuedBytes += bytes.length;
    return this.reads;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    this.#gone.abort();
  }

  destroy(): void {
    this.#gone.abort();
  }
}
