import { groupOf } from "../../../client/feed/digests.ts";
import type { FeedLine } from "../../../client/feed/feed_lines.ts";
import { groupResourceOf } from "../../../resources/resource.ts";
import type { Store } from "../../../store/store.ts";
import type { FeedObjects, FollowerScope, Shown } from "./feed_objects.ts";
import type { FeedRequest, KnownSums } from "./feed_query.ts";
import type { FollowedKind } from "./followed_kinds.ts";

const encoder = new TextEncoder();
const NOTHING: KnownSums = { bits: 0, sums: [0] };
const OPEN = encoder.encode('{"type":"MODIFIED","object":');
const CLOSE = encoder.encode("}\n");

/** The line of an object that is there, in parts. */
export function objectParts({ bytes }: Pick<Shown, "bytes">): Uint8Array[] {
  return [OPEN, bytes, CLOSE];
}

export function lineOf(line: FeedLine): Uint8Array {
  return encoder.encode(JSON.stringify(line) + "\n");
}

/**
 * What a follower has to be told to have all that it follows, as it is now: of those groups of objects in which it differs.
 * Everything is looked up in this turn; the lines are made when they are read.
 */
export function firstState(
  { kinds, known, since }: FeedRequest,
  scope: FollowerScope,
  { objects, store, epoch }: { objects: FeedObjects; store: Store; epoch: string },
): Iterable<Uint8Array> {
  const seen = since?.epoch === epoch ? since.revision : 0;
  const differing = kinds.flatMap((kind) => {
    const have = known.get(kind) ?? NOTHING;
    const all = objects.digestsFor(kind, scope);
    const groups = groupsThatDiffer(all.sums(have.bits), have.sums);
    if (groups.size === 0) return [];
    for (const entry of objects.entriesFor(kind, scope)) {
      const shown = objects.shownTo(kind, entry, scope.node);
      groups.get(groupOf(shown.key, have.bits))?.push(shown);
    }
    const seenOfKind = isToldOnce(kind) ? seen : 0;
    return [{ kind, bits: have.bits, groups, seen: seenOfKind, digest: all.text(0) }];
  });
  const names = kinds.map(({ resource }) => groupResourceOf(resource));
  const revision = String(store.revision);
  return (function* () {
    yield lineOf({ type: "START", epoch, kinds: names });
    for (const each of differing) yield* groupParts(each);
    const digests = Object.fromEntries(
      differing.map(({ kind, digest }) => [groupResourceOf(kind.resource), digest]),
    );
    yield lineOf({ type: "SYNCED", revision, digests });
  })();
}

/** Empty lists by those groups whose sums are not equal. */
function groupsThatDiffer(
  ours: readonly number[],
  theirs: readonly number[],
): Map<number, Shown[]> {
  return new Map(
    ours.flatMap((sum, group) => sum === theirs[group] ? [] : [[group, []]]),
  );
}

/**
 * Whether each follower is told all changes of an object as they happen, and none later, so that whoever has seen a revision
 * has all objects up to it.
 */
function isToldOnce({ follows }: FollowedKind): boolean {
  return !("related" in follows) && !("isTold" in follows);
}

function* groupParts(
  { kind, bits, groups, seen }: {
    kind: FollowedKind;
    bits: number;
    groups: ReadonlyMap<number, readonly Shown[]>;
    seen: number;
  },
): Iterable<Uint8Array> {
  for (const [group, shown] of groups) {
    const keys = shown.map(({ key }) => key);
    yield lineOf({ type: "GROUP", kind: groupResourceOf(kind.resource), bits, group, keys });
    for (const each of shown) if (each.revision > seen) yield* objectParts(each);
  }
}
