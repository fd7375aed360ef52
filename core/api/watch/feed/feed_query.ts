import { ApiError } from "../../../client/api_error.ts";
import { sumsIn } from "../../../client/feed/digests.ts";
import type { FeedPosition } from "../../../client/feed/feed_lines.ts";
import type { FollowedKind } from "./followed_kinds.ts";

/** Kinds that a query may name: more than there are to follow. */
const KINDS_MAX = 64;

/** What a follower has of a kind. */
export interface KnownSums {
  bits: number;
  sums: readonly number[];
}

/** What a follower asks for. */
export interface FeedRequest {
  /** Those of the asked kinds that are followed here, in the order in which they are told. */
  kinds: readonly FollowedKind[];
  known: ReadonlyMap<FollowedKind, KnownSums>;
  since: FeedPosition | undefined;
  beats: boolean;
}

/** Reads the query that `feedQueryText` has made. `followed`: what can be followed, by name. Throws BadRequest. */
export function feedRequestOf(
  query: (name: string) => string | undefined,
  followed: ReadonlyMap<string, FollowedKind>,
): FeedRequest {
  const names = (query("kinds") ?? "").split(",");
  if (names.length > KINDS_MAX) throw bad("kinds", `at most ${KINDS_MAX} can be followed`);
  const known = new Map<FollowedKind, KnownSums>();
  for (const part of (query("known") || undefined)?.split(",", KINDS_MAX) ?? []) {
    const [, index = "", text = ""] = /^(\d{1,2})\.([\w-]*)$/.exec(part) ?? [];
    const sums = sumsIn(text);
    if (index === "" || !sums) throw bad("known", "must be digests by the number of their kind");
    const kind = followed.get(names[Number(index)] ?? "");
    if (kind) known.set(kind, sums);
  }
  const asked = new Set(names);
  return {
    kinds: [...followed].flatMap(([name, kind]) => asked.has(name) ? [kind] : []),
    known,
    since: positionIn(query("since")),
    beats: query("beats") === "1",
  };
}

function positionIn(text: string | undefined): FeedPosition | undefined {
  if (!text) return undefined;
  const [, epoch = "", revision] = /^([\w-]{1,64})\.(\d{1,16})$/.exec(text) ?? [];
  if (revision === undefined) throw bad("since", "must be the position of an earlier answer");
  return { epoch, revision: Number(revision) };
}

function bad(name: string, why: string): ApiError {
  return new ApiError("BadRequest", `cannot follow a node: the query parameter "${name}" ${why}`);
}
