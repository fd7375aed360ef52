import type { KubeObject } from "../../resources/resource.ts";

/**
 * The lines of a feed: one stream of JSON with all objects that a node follows. After `START` come those groups of objects
 * in which the two ends differ, each with the keys that there are and the objects that may be missing; `SYNCED` ends them.
 * From then on each line is a change, in the order of the server's revisions. Empty lines are signs of life.
 */
export type FeedLine =
  /** `epoch`: the history in which the server counts revisions. `kinds`: those that it tells of, e.g. `services`. */
  | { type: "START"; epoch: string; kinds: readonly string[] }
  /** The objects of a kind whose keys fall into one of 2 to the power of `bits` groups. */
  | { type: "GROUP"; kind: string; bits: number; group: number; keys: readonly string[] }
  /** `digests`: by kind what the objects add up to, of kinds that had a `GROUP`. */
  | { type: "SYNCED"; revision: string; digests: Readonly<Record<string, string>> }
  /** The object is there, in this version. */
  | { type: "MODIFIED"; object: KubeObject }
  /** The object is not there, or is none of the node's any more. */
  | { type: "GONE"; kind: string; key: string; revision: string };

/** How far a follower has come. */
export interface FeedPosition {
  epoch: string;
  revision: number;
}

/** What a follower asks for, in the query of `GET /api/v1/nodes/NAME/follow`. */
export interface FeedQuery {
  /** The kinds that it follows, by `groupResourceOf`. */
  kinds: readonly string[];
  /** By kind what it has: `Digests.text`. Kinds of which it has nothing are not named. */
  known: ReadonlyMap<string, string>;
  /** Where it stopped; absent: what it has may be of any time. */
  since?: FeedPosition;
  /** Whether it needs signs of life: over a connection that has none of its own. */
  beats: boolean;
}

/** The query as text. */
export function feedQueryText({ kinds, known, since, beats }: FeedQuery): string {
  const query = new URLSearchParams({ kinds: kinds.join(",") });
  if (known.size > 0) {
    query.set(
      "known",
      [...known].map(([kind, text]) => `${kinds.indexOf(kind)}.${text}`).join(","),
    );
  }
  if (since) query.set("since", `${since.epoch}.${since.revision}`);
  if (beats) query.set("beats", "1");
  return query.toString().replaceAll("%2C", ",");
}
