import { Buffer } from "node:buffer";
import { digestOf, Digests, keyOf } from "../../../client/feed/digests.ts";
import { groupResourceOf, type KubeObject } from "../../../resources/resource.ts";
import type { Entry, Key, Store, StoreEvent } from "../../../store/store.ts";
import type { Related } from "../../access/nodes/node_relations.ts";
import type { ServedKinds } from "../../discovery/served_kinds.ts";
import type { FollowedKind } from "./followed_kinds.ts";

/** An object as a follower is shown it. */
export interface Shown {
  key: string;
  /** Its JSON. */
  bytes: Uint8Array;
  revision: number;
  digest: number;
}

/** Who follows: the node, and what it has to do with. */
export interface FollowerScope {
  readonly node: string;
  readonly related: Related;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What of the store each node follows, and what it adds up to. What all follow is added up once, and kept up to date. */
export class FeedObjects {
  readonly #store: Store;
  readonly #kinds: Pick<ServedKinds, "find">;
  readonly #whole = new WeakMap<Entry, Shown>();
  readonly #trimmed = new WeakMap<Entry, Shown>();
  /** Of kinds of which all nodes are shown the same, or nearly. */
  readonly #shared = new Map<FollowedKind, Digests>();

  constructor({ store, kinds }: { store: Store; kinds: Pick<ServedKinds, "find"> }) {
    this.#store = store;
    this.#kinds = kinds;
  }

  /** The object as everybody is shown it who may see all of it. */
  whole(kind: FollowedKind, entry: Entry): Shown {
    return kept(this.#whole, entry, () => {
      const { group, version, plural } = kind.resource;
      const served = this.#kinds.find(group, version, plural);
      return withoutManagers(served?.bytesOf(entry) ?? entry.bytes);
    });
  }

  /** The object as others than its own node are shown it. */
  trimmed({ follows }: FollowedKind, entry: Entry): Shown {
    return kept(this.#trimmed, entry, () => {
      const object = "trimmed" in follows ? follows.trimmed(entry.object) : entry.object;
      return encoder.encode(JSON.stringify(object));
    });
  }

  /** The object as the node is shown it. */
  shownTo(kind: FollowedKind, entry: Entry, node: string): Shown {
    return "trimmed" in kind.follows && kind.follows.nodeOf(entry.object) !== node
      ? this.trimmed(kind, entry)
      : this.whole(kind, entry);
  }

  /** All objects of the kind that the node follows. */
  entriesFor({ resource, follows }: FollowedKind, { node, related }: FollowerScope): Entry[] {
    const name = groupResourceOf(resource);
    const at = (key: string) => this.#store.get(storeKey(name, key)) ?? [];
    if ("all" in follows || "trimmed" in follows) return [...this.#store.list([name])];
    if ("related" in follows) return [...related[follows.related]].flatMap(at);
    if ("index" in follows.of) return [...this.#store.by(name, follows.of.index, node)];
    return [at(follows.of.keyOf(node))].flat();
  }

  /** What all objects of the kind add up to that the node follows. Must not be changed. */
  digestsFor(kind: FollowedKind, scope: FollowerScope): Digests {
    const { follows } = kind;
    if ("all" in follows) return this.#sharedOf(kind);
    if (!("trimmed" in follows)) {
      return this.#added(this.entriesFor(kind, scope).map((entry) => this.whole(kind, entry)));
    }
    const digests = this.#sharedOf(kind).copy();
    const key = keyOf({ name: scope.node });
    const own = this.#store.get(storeKey(groupResourceOf(kind.resource), key));
    if (own) {
      digests.remove(key, this.trimmed(kind, own).digest);
      digests.add(key, this.whole(kind, own).digest);
    }
    return digests;
  }

  /** Takes a change into what was added up. */
  note(kind: FollowedKind, { type, entry, previous }: StoreEvent): void {
    const digests = this.#shared.get(kind);
    if (!digests) return;
    if (previous) digests.remove(...this.#shareOf(kind, previous));
    if (type !== "DELETED") digests.add(...this.#shareOf(kind, entry));
  }

  /** Must be called when changes of the kind are no longer noted. */
  forget(kind: FollowedKind): void {
    this.#shared.delete(kind);
  }

  #sharedOf(kind: FollowedKind): Digests {
    let digests = this.#shared.get(kind);
    if (!digests) {
      const entries = this.#store.list([groupResourceOf(kind.resource)]);
      digests = new Digests();
      for (const entry of entries) digests.add(...this.#shareOf(kind, entry));
      this.#shared.set(kind, digests);
    }
    return digests;
  }

  #shareOf(kind: FollowedKind, entry: Entry): [key: string, digest: number] {
    const { key, digest } = "trimmed" in kind.follows
      ? this.trimmed(kind, entry)
      : this.whole(kind, entry);
    return [key, digest];
  }

  #added(all: readonly Shown[]): Digests {
    const digests = new Digests();
    for (const { key, digest } of all) digests.add(key, digest);
    return digests;
  }
}

/** Who manages which fields is of no use to a node, and often half of an object. */
function withoutManagers(json: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = json;
  if (!Buffer.from(buffer, byteOffset, length).includes('"managedFields":')) return json;
  const object: KubeObject = JSON.parse(decoder.decode(json));
  const { managedFields: _, ...metadata } = object.metadata;
  return encoder.encode(JSON.stringify({ ...object, metadata })); // in its place among the fields
}

/** Where the object of a feed's key is in the store. */
export function storeKey(resource: string, key: string): Key {
  const slash = key.indexOf("/");
  return [resource, key.slice(0, slash), key.slice(slash + 1)];
}

function kept(known: WeakMap<Entry, Shown>, entry: Entry, bytesOf: () => Uint8Array): Shown {
  let shown = known.get(entry);
  if (!shown) {
    const [, namespace, name] = entry.key;
    const bytes = bytesOf();
    shown = {
      key: keyOf({ namespace, name }),
      bytes,
      revision: entry.revision,
      digest: digestOf(bytes),
    };
    known.set(entry, shown);
  }
  return shown;
}
