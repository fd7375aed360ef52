import { concat } from "../../../lib/bytes.ts";
import type { Related } from "../../access/nodes/node_relations.ts";
import type { ByteStream } from "../../http/byte_stream.ts";
import { writeParts } from "../../http/parts_writer.ts";
import { WATCH_QUEUE_BYTES_MAX } from "../watch_limits.ts";
import type { FollowedKind } from "./followed_kinds.ts";
import type { FollowerScope } from "./feed_objects.ts";

/** Objects that may change while a follower is slow; beyond it is cut off, and goes on by digests. */
export const WAITING_MAX = 2_048;

/** A change as it is told. */
export interface Line {
  /** Names the object among all kinds: of several changes of one, only the last is told to whoever is late. */
  readonly about: string;
  readonly bytes: Uint8Array;
}

/**
 * One node at the end of a feed. Bytes that its connection cannot take are not queued: until it can again, the newest
 * change of each object waits, which others share.
 */
export class Follower implements FollowerScope {
  related: Related;
  readonly node: string;
  readonly stream: ByteStream;
  /** The same set for all who follow the same kinds. */
  readonly kinds: ReadonlySet<FollowedKind>;
  readonly beats: boolean;
  readonly isCurrent: () => boolean;
  readonly #waiting = new Map<string, Uint8Array>();
  #state: "live" | "late" = "late";

  constructor(
    { node, related, stream, kinds, beats, isCurrent }: Pick<
      Follower,
      "node" | "related" | "stream" | "kinds" | "beats" | "isCurrent"
    >,
  ) {
    this.node = node;
    this.related = related;
    this.stream = stream;
    this.kinds = kinds;
    this.beats = beats;
    this.isCurrent = isCurrent;
  }

  /** Whether what is written now goes out at once. */
  get isLive(): boolean {
    return this.#state === "live";
  }

  /** Writes a first state at the follower's pace; what changes meanwhile comes after it. */
  async begin(parts: Iterable<Uint8Array>): Promise<void> {
    await writeParts(this.stream, parts);
    await this.#catchUp();
  }

  /** Tells changes, now or when there is room. */
  tell(lines: readonly Line[]): void {
    if (this.isLive) return this.write(concat(lines.map(({ bytes }) => bytes)));
    for (const { about, bytes } of lines) {
      this.#waiting.delete(about);
      this.#waiting.set(about, bytes);
    }
    if (this.#waiting.size > WAITING_MAX) this.stream.destroy();
  }

  /** Writes the bytes of changes. Only to one that is live. */
  write(chunk: Uint8Array): void {
    const isTaken = this.stream.write(chunk);
    this.checkQueue(isTaken);
  }

  /** To be called after a write past {@linkcode write}. */
  checkQueue(isTaken: boolean): void {
    if (this.stream.queuedBytes > WATCH_QUEUE_BYTES_MAX) return this.stream.destroy();
    if (isTaken) return;
    this.#state = "late";
    void this.#catchUp();
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      await this.stream.drained();
      if (this.stream.gone.aborted) return this.#waiting.clear();
      if (this.#waiting.size === 0) break;
      const chunks = [...this.#waiting.values()];
      this.#waiting.clear();
      await writeParts(this.stream, chunks);
    }
    this.#state = "live";
  }
}
