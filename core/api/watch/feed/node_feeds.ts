import { ApiError } from "../../../client/api_error.ts";
import { concat } from "../../../lib/bytes.ts";
import { isEqual } from "../../../lib/equality.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import type { Random } from "../../../lib/random.ts";
import { LocalClient } from "../../../objects/local_client.ts";
import type { Objects } from "../../../objects/objects.ts";
import type { PersistentVolume } from "../../../resources/core/persistent_volumes/persistent_volumes.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { groupResourceOf } from "../../../resources/resource.ts";
import { localPathNodeOf } from "../../../resources/storage/local_path.ts";
import type { Entry, StoreEvent } from "../../../store/store.ts";
import { mayChangeCertificates } from "../../access/nodes/certificate_secrets.ts";
import { type Related, relatedTo } from "../../access/nodes/node_relations.ts";
import type { ServedKinds } from "../../discovery/served_kinds.ts";
import { openStream } from "../../http/answer.ts";
import type { ApiContext } from "../../http/api_context.ts";
import type { ByteStream } from "../../http/byte_stream.ts";
import { writeToAll } from "../../http/fan_out.ts";
import { FeedObjects, type Shown, storeKey } from "./feed_objects.ts";
import { feedRequestOf } from "./feed_query.ts";
import { firstState, lineOf, objectParts } from "./first_state.ts";
import type { FollowedKind } from "./followed_kinds.ts";
import { Follower, type Line } from "./follower.ts";

/** Nodes that are followed for at once. */
export const FOLLOWERS_MAX = 20_000;
/** Sets of kinds that are shared; agents of one version all ask for the same. */
const SETS_MAX = 64;
/** How often followers are shown that the server lives, if they asked for it, and that credentials are looked at. */
const BEAT_MS = 60_000;
const BEAT = new TextEncoder().encode("\n");

interface FeedOptions {
  kinds: Pick<ServedKinds, "find">;
  objects: Objects;
  /** What nodes can follow, in the order in which it is told. */
  followed: readonly FollowedKind[];
  clock: Clock;
  random: Random;
  log: Log;
}

/** A change on its way to followers. */
interface Telling extends Line {
  kind: FollowedKind;
  /** Absent: to all who follow the kind, but for the node `except`. */
  to?: Follower;
  except?: string;
}

/**
 * The feeds of all nodes: what each follows, in one stream. A change is looked up in indexes from objects to those who
 * follow them, encoded once, and what all follow is written to all as one chunk.
 */
export class NodeFeeds {
  readonly #options: FeedOptions;
  readonly #view: LocalClient;
  readonly #objects: FeedObjects;
  readonly #followed: ReadonlyMap<string, FollowedKind>;
  /** Tells apart histories of revisions: a restored backup may give a revision a second time. */
  readonly #epoch: string;
  readonly #followers = new Map<string, Follower>();
  /** Those that have to do with an object, by its kind and key. */
  readonly #related = new Map<string, Set<Follower>>();
  readonly #subscriptions = new Map<FollowedKind, () => void>();
  readonly #sets = new Map<string, ReadonlySet<FollowedKind>>();
  #burst: Telling[] = [];
  #cancelBeat: (() => void) | undefined;
  #isStopping = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    const { objects, kinds, followed, random } = options;
    this.#followed = new Map(followed.map((kind) => [groupResourceOf(kind.resource), kind]));
    this.#view = new LocalClient(objects);
    this.#objects = new FeedObjects({ store: objects.store, kinds });
    this.#epoch = `${random.uuid().slice(0, 8)}-${options.clock.now().toString(36)}`;
  }

  get size(): number {
    return this.#followers.size;
  }

  /** Answers with what the node follows, until either end leaves. A newer follower of the node takes the place of an older. */
  open(c: ApiContext, node: string): Response {
    const request = feedRequestOf((name) => c.req.query(name), this.#followed);
    if (this.#isStopping || this.#followers.size >= FOLLOWERS_MAX) {
      throw new ApiError("TooManyRequests", "too many requests, please try again later", {
        retryAfterSeconds: 1,
      });
    }
    this.#followers.get(node)?.stream.destroy();
    const { stream, response } = openStream(c, "application/json");
    const { beats } = request;
    const kinds = this.#setOf(request.kinds);
    const isCurrent = c.get("isCurrent");
    const related = relatedTo(node, this.#view);
    const follower = new Follower({ node, related, stream, kinds, beats, isCurrent });
    this.#flush(); // what is in it is not for the new one
    for (const kind of kinds) this.#subscribe(kind);
    this.#followers.set(node, follower);
    this.#index(follower, related, "add");
    stream.gone.addEventListener("abort", () => this.#close(follower), { once: true });
    const { store } = this.#options.objects;
    const parts = firstState(request, follower, {
      ...{ objects: this.#objects, store, epoch: this.#epoch },
    });
    follower.begin(parts).catch((error) => {
      this.#options.log.error("Cannot go on with a feed", { node, error });
      stream.destroy();
    });
    this.#armBeat();
    return response;
  }

  /** Ends every feed properly and refuses new ones. */
  stop(): void {
    this.#isStopping = true;
    this.#flush();
    for (const { stream } of [...this.#followers.values()]) stream.end();
  }

  /** Ends the feeds of nodes whose credentials are no longer valid. */
  endRevoked(): void {
    for (const { stream, isCurrent } of [...this.#followers.values()]) {
      if (!isCurrent()) stream.end();
    }
  }

  /** One set for all who follow the same kinds: they are told the same chunks. */
  #setOf(kinds: readonly FollowedKind[]): ReadonlySet<FollowedKind> {
    const name = kinds.map(({ resource }) => groupResourceOf(resource)).join();
    const known = this.#sets.get(name) ?? new Set(kinds);
    if (this.#sets.size < SETS_MAX) this.#sets.set(name, known);
    return known;
  }

  #subscribe(kind: FollowedKind): void {
    if (this.#subscriptions.has(kind)) return;
    const { store } = this.#options.objects;
    const stop = store.subscribe(
      [groupResourceOf(kind.resource)],
      (event) => this.#take(kind, event),
    );
    this.#subscriptions.set(kind, stop);
  }

  #close(follower: Follower): void {
    this.#index(follower, follower.related, "delete");
    if (this.#followers.get(follower.node) !== follower) return;
    this.#followers.delete(follower.node);
    if (this.#followers.size > 0) return;
    for (const [kind, stop] of this.#subscriptions) {
      stop();
      this.#objects.forget(kind);
    }
    this.#subscriptions.clear();
    this.#cancelBeat?.();
    this.#cancelBeat = undefined;
  }

  #armBeat(): void {
    this.#cancelBeat ??= this.#options.clock.after(BEAT_MS, () => {
      this.#cancelBeat = undefined;
      this.endRevoked(); // certificates may have expired
      for (const follower of this.#followers.values()) {
        if (follower.beats && follower.isLive) follower.write(BEAT);
      }
      if (this.#followers.size > 0) this.#armBeat();
    });
  }

  #take(kind: FollowedKind, event: StoreEvent): void {
    this.#objects.note(kind, event);
    const { follows } = kind;
    if ("all" in follows) this.#takeCommon(kind, event);
    else if ("trimmed" in follows) {
      this.#takeTrimmed(kind, event, follows.nodeOf(event.entry.object));
    } else if ("related" in follows) this.#takeRelated(kind, event);
    else this.#takeOwn(kind, event, follows);
  }

  /** Of some that all are told, the listeners of nodes are made: with them come certificates, and go. */
  #takeCommon(kind: FollowedKind, event: StoreEvent): void {
    const { type, entry: { object }, previous } = event;
    const before = type === "DELETED" ? undefined : previous?.object;
    const relates = mayChangeCertificates(kind.resource, object, before);
    const changes = relates ? [...this.#followers.values()].map((each) => this.#relate(each)) : [];
    for (const { come } of changes) this.#tellAll(come);
    this.#push(this.#telling(kind, event));
    for (const { gone } of changes) this.#tellAll(gone);
  }

  #takeTrimmed(kind: FollowedKind, event: StoreEvent, node: string): void {
    const { type, entry, previous } = event;
    if (type === "DELETED") return this.#push(this.#telling(kind, event));
    const own = this.#followers.get(node);
    if (own) {
      const hasMoved = !isEqual(previous?.object.metadata.labels, entry.object.metadata.labels);
      const changes = hasMoved ? this.#relate(own) : undefined; // by labels Gateways are on nodes
      this.#pushWith(changes, { ...this.#telling(kind, event), to: own });
    }
    const shown = this.#objects.trimmed(kind, entry);
    if (previous && this.#objects.trimmed(kind, previous).digest === shown.digest) return;
    this.#push({ ...this.#line(kind, shown), except: node });
  }

  #takeOwn(
    kind: FollowedKind,
    event: StoreEvent,
    { nodeOf, isTold }: Extract<FollowedKind["follows"], { of: unknown }>,
  ): void {
    const { type, entry, previous } = event;
    const was = previous && nodeOf(previous.object);
    const is = type === "DELETED" ? undefined : nodeOf(entry.object);
    if (was !== undefined && was !== is) {
      const before = this.#followers.get(was);
      if (before) {
        this.#push({ ...this.#gone(kind, entry), to: before });
        this.#tellAll(this.#relate(before).gone);
      }
    }
    const follower = is === undefined ? undefined : this.#followers.get(is);
    if (!follower) return;
    if (was === is && isTold && !isTold(entry.object, previous!.object)) return;
    const changes = this.#mayRelate(kind, event, was === is) ? this.#relate(follower) : undefined;
    this.#pushWith(changes, { ...this.#telling(kind, event), to: follower });
  }

  /** A pod refers to others as long as it is the node's; debugging adds containers to it. */
  #mayRelate(
    { resource }: FollowedKind,
    { entry, previous }: StoreEvent,
    isSame: boolean,
  ): boolean {
    if (resource.plural !== "pods") return false;
    return !isSame || !isEqual((entry.object as Pod).spec, (previous!.object as Pod).spec);
  }

  #takeRelated(kind: FollowedKind, event: StoreEvent): void {
    const { entry, previous } = event;
    const name = groupResourceOf(kind.resource);
    const telling = this.#telling(kind, event);
    for (const to of this.#related.get(telling.about) ?? []) this.#push({ ...telling, to });
    if (name !== "persistentvolumes") return;
    const volumes = [entry, previous].flatMap((one) => one ? [one.object as PersistentVolume] : []);
    const affected = new Set(volumes.flatMap((volume) => this.#nearVolume(volume)));
    for (const follower of affected) {
      const { come, gone } = this.#relate(follower);
      this.#tellAll(come);
      this.#tellAll(gone);
    }
  }

  /** Those to whose pods a volume may belong. */
  #nearVolume(volume: PersistentVolume): Follower[] {
    const { namespace, name } = volume.spec.claimRef ?? {};
    const local = localPathNodeOf(volume);
    const own = local === undefined ? undefined : this.#followers.get(local);
    const users = this.#related.get(`persistentvolumeclaims ${namespace}/${name}`) ?? [];
    return [...users, ...(own ? [own] : [])];
  }

  /** Looks again what the follower has to do with; gives what it has to be told of it. */
  #relate(follower: Follower): Changes {
    const before = follower.related;
    const now = relatedTo(follower.node, this.#view);
    follower.related = now;
    const come: Telling[] = [];
    const gone: Telling[] = [];
    for (const name of Object.keys(now) as (keyof Related)[]) {
      const kind = this.#followed.get(name);
      if (!kind) continue;
      for (const key of now[name].difference(before[name])) {
        this.#indexOne(follower, `${name} ${key}`, "add");
        const entry = this.#options.objects.store.get(storeKey(name, key));
        if (entry) {
          come.push({ ...this.#line(kind, this.#objects.whole(kind, entry)), to: follower });
        }
      }
      for (const key of before[name].difference(now[name])) {
        this.#indexOne(follower, `${name} ${key}`, "delete");
        gone.push({
          ...this.#goneLine(kind, key, this.#options.objects.store.revision),
          to: follower,
        });
      }
    }
    return { come, gone };
  }

  #index(follower: Follower, related: Related, act: "add" | "delete"): void {
    for (const [name, keys] of Object.entries(related)) {
      for (const key of keys) this.#indexOne(follower, `${name} ${key}`, act);
    }
  }

  #indexOne(follower: Follower, about: string, act: "add" | "delete"): void {
    const there = this.#related.get(about) ?? new Set();
    there[act](follower);
    if (there.size === 0) this.#related.delete(about);
    else this.#related.set(about, there);
  }

  #telling(kind: FollowedKind, { type, entry }: StoreEvent): Telling {
    return type === "DELETED"
      ? this.#gone(kind, entry)
      : this.#line(kind, this.#objects.whole(kind, entry));
  }

  #line(kind: FollowedKind, shown: Shown): Telling {
    const about = `${groupResourceOf(kind.resource)} ${shown.key}`;
    return { kind, about, bytes: concat(objectParts(shown)) };
  }

  #gone(kind: FollowedKind, { key: [, namespace, name], revision }: Entry): Telling {
    return this.#goneLine(kind, `${namespace}/${name}`, revision);
  }

  #goneLine(kind: FollowedKind, key: string, revision: number): Telling {
    const name = groupResourceOf(kind.resource);
    const bytes = lineOf({ type: "GONE", kind: name, key, revision: String(revision) });
    return { kind, about: `${name} ${key}`, bytes };
  }

  #tellAll(tellings: readonly Telling[] = []): void {
    for (const telling of tellings) this.#push(telling);
  }

  /** What an object needs comes before it, and what it no longer needs goes after it. */
  #pushWith(changes: Changes | undefined, telling: Telling): void {
    this.#tellAll(changes?.come);
    this.#push(telling);
    this.#tellAll(changes?.gone);
  }

  #push(telling: Telling): void {
    if (telling.to && !telling.to.kinds.has(telling.kind)) return;
    if (this.#burst.length === 0) queueMicrotask(() => this.#flush());
    this.#burst.push(telling);
  }

  /** Sends the current burst: to most the same chunk; to those that are told something of their own, one of their own. */
  #flush(): void {
    const burst = this.#burst;
    if (burst.length === 0) return;
    this.#burst = [];
    const special = new Set<Follower>();
    let isForAll = false;
    for (const { to, except } of burst) {
      if (to) special.add(to);
      else isForAll = true;
      const left = except === undefined ? undefined : this.#followers.get(except);
      if (left) special.add(left);
    }
    for (const follower of special) tellOwn(follower, burst);
    if (isForAll) this.#tellCommon(burst.filter(({ to }) => !to), special);
  }

  #tellCommon(common: readonly Telling[], special: ReadonlySet<Follower>): void {
    const chunks = new Map<ReadonlySet<FollowedKind>, Uint8Array>();
    const byChunk = new Map<Uint8Array, ByteStream[]>();
    for (const follower of this.#followers.values()) {
      if (special.has(follower)) continue;
      if (!follower.isLive) {
        tellOwn(follower, common);
        continue;
      }
      let chunk = chunks.get(follower.kinds);
      if (!chunk) {
        const lines = common.filter(({ kind }) => follower.kinds.has(kind));
        chunks.set(follower.kinds, chunk = concat(lines.map(({ bytes }) => bytes)));
      }
      if (chunk.length === 0) continue;
      if (!follower.stream.member?.()) follower.write(chunk);
      else if (byChunk.has(chunk)) byChunk.get(chunk)!.push(follower.stream);
      else byChunk.set(chunk, [follower.stream]);
    }
    for (const [chunk, streams] of byChunk) writeToAll(streams, chunk);
  }
}

function tellOwn(follower: Follower, burst: readonly Telling[]): void {
  const lines = burst.filter(({ to, except, kind }) =>
    (to === undefined || to === follower) && except !== follower.node && follower.kinds.has(kind)
  );
  if (lines.length > 0) follower.tell(lines);
}

/** What a node is told because it has to do with other objects than before. */
type Changes = { readonly come: readonly Telling[]; readonly gone: readonly Telling[] };
