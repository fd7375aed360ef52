import type { KubeObject } from "../../resources/resource.ts";
import { LinkError } from "../link_error.ts";
import type { MirroredKind } from "../mirrored_kind.ts";
import { Digests, GROUP_BITS_MAX, groupOf, keyOf } from "./digests.ts";
import type { FeedLine, FeedPosition, FeedQuery } from "./feed_lines.ts";

/** Objects per group that is compared: what differs is sent by groups. */
const GROUP_OBJECTS = 4;
/** Groups of all kinds together: what they add up to stands in the query. */
const GROUPS_MAX = 256;

/** What the reader changes. */
export interface FeedTarget {
  kindNamed(name: string): MirroredKind | undefined;
  kindOfObject(object: KubeObject): MirroredKind | undefined;
}

/** How far what is here can be trusted to be what the server had at some revision; each is less. */
type Trust = "position" | "digests" | "nothing";

/**
 * Brings what is shown in step with a feed, and knows how to go on after a cut. The lines of a first state are kept back
 * until it is complete, and take effect in one turn.
 */
export class FeedReader {
  readonly #target: FeedTarget;
  readonly #kinds: readonly string[];
  #position: FeedPosition | undefined;
  #trust: Trust = "digests";
  #epoch = "";
  /** Of the first state; `undefined`: it is complete. */
  #waiting: FeedLine[] | undefined = [];

  constructor(target: FeedTarget, kinds: readonly string[]) {
    this.#target = target;
    this.#kinds = kinds;
  }

  /** Whether all was told on the connection that is open, and every change since. */
  get isComplete(): boolean {
    return this.#waiting === undefined;
  }

  /** What the next connection asks for. */
  begin({ beats }: { beats: boolean }): FeedQuery {
    const counts = this.#kinds.map((name) => this.#digestsOf(name));
    const bits = groupBits(counts.map(({ size }) => size));
    const known = new Map(
      this.#kinds.flatMap((name, i): [string, string][] =>
        counts[i]!.size === 0 ? [] : [[name, counts[i]!.text(bits[i]!)]]
      ),
    );
    return {
      kinds: this.#kinds,
      known: this.#trust === "nothing" ? new Map() : known,
      ...(this.#trust === "position" && this.#position && { since: this.#position }),
      beats,
    };
  }

  /** The connection has ended: what is here may be outdated. */
  end(): void {
    this.#waiting = [];
  }

  /** Takes lines in their order; gives the kinds that the feed tells of, when it begins. Throws a LinkError. */
  take(line: FeedLine): readonly string[] | undefined {
    if (line.type === "START") {
      this.#epoch = line.epoch;
      return line.kinds;
    }
    if (this.#waiting === undefined) this.#change(line);
    else if (line.type === "SYNCED") this.#complete(line);
    else this.#waiting.push(line);
    return undefined;
  }

  #change(line: FeedLine): void {
    if (line.type === "MODIFIED") {
      this.#target.kindOfObject(line.object)?.put(line.object);
      this.#hasSeen(line.object.metadata.resourceVersion);
    } else if (line.type === "GONE") {
      this.#remove(line.kind, line.key, line.revision);
      this.#hasSeen(line.revision);
    }
  }

  #hasSeen(revision: string): void {
    const position = this.#position!;
    // Of nodes that are shown in part, the version is no revision.
    if (Number(revision) > position.revision) position.revision = Number(revision);
  }

  #complete({ revision, digests }: FeedLine & { type: "SYNCED" }): void {
    const lines = this.#waiting!;
    for (const line of lines) if (line.type === "GROUP") this.#removeOthers(line, revision);
    for (const line of lines) {
      if (line.type === "MODIFIED") this.#target.kindOfObject(line.object)?.put(line.object);
    }
    for (const [name, digest] of Object.entries(digests)) {
      if (this.#digestsOf(name).text(0) !== digest) this.#distrust(name);
    }
    this.#waiting = undefined;
    this.#trust = "position";
    this.#position = { epoch: this.#epoch, revision: Number(revision) };
  }

  /** What was skipped because it should be here is not. */
  #distrust(name: string): never {
    this.#trust = this.#trust === "position" ? "digests" : "nothing";
    throw new LinkError(`the ${name} are not those of the server: they are asked for again`);
  }

  /** Removes what the server does not have of a group. */
  #removeOthers({ kind: name, bits, group, keys }: FeedLine & { type: "GROUP" }, revision: string) {
    const there = new Set(keys);
    for (const { metadata } of this.#target.kindNamed(name)?.list() ?? []) {
      const key = keyOf(metadata);
      if (groupOf(key, bits) === group && !there.has(key)) this.#remove(name, key, revision);
    }
  }

  #remove(name: string, key: string, revision: string): void {
    const slash = key.indexOf("/");
    const kind = this.#target.kindNamed(name);
    const last = kind?.get({ namespace: key.slice(0, slash), name: key.slice(slash + 1) });
    if (!kind || !last) return;
    kind.remove({ ...last, metadata: { ...last.metadata, resourceVersion: revision } });
  }

  #digestsOf(name: string): Digests {
    return Digests.of(this.#target.kindNamed(name)?.list() ?? []);
  }
}

/** For each kind the number of groups, as a power of two, by how many objects it has. */
function groupBits(sizes: readonly number[]): number[] {
  const bits = sizes.map((size) =>
    Math.min(GROUP_BITS_MAX, Math.ceil(Math.log2(Math.max(1, size / GROUP_OBJECTS))))
  );
  const total = () => bits.reduce((sum, each) => sum + (1 << each), 0);
  while (total() > GROUPS_MAX && Math.max(...bits) > 0) bits[bits.indexOf(Math.max(...bits))]!--;
  return bits;
}
