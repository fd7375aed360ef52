import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { acceptedNow, type Filter, refusal, tallyingPlugin } from "../../core/scheduler/plugin.ts";

/** How many pods of a node lead, by the value of their label `leads`. */
type Leaders = Map<string, number>;

/** A scheduler plugin with a tally and a wake hint: it keeps a pod with the label `follows` to nodes where its leader is. */
export const podFollowing = tallyingPlugin<Leaders>({
  name: "PodFollowing",
  tally: {
    begin: () => new Map(),
    add: (leaders, pod) => count(leaders, pod, 1),
    remove: (leaders, pod) => count(leaders, pod, -1),
  },
  filter: leaderThere,
  wakes: { podAdded: acceptedNow(leaderThere) },
});

function leaderThere({ metadata: { labels } }: Pod): Filter<Leaders> | undefined {
  const followed = labels?.["follows"];
  if (followed === undefined) return undefined;
  return (_node, leaders) => leaders.get(followed) ? undefined : refusal("node(s) had no leader");
}

function count(leaders: Leaders, { metadata: { labels } }: Pod, by: 1 | -1): void {
  const led = labels?.["leads"];
  if (led !== undefined) leaders.set(led, (leaders.get(led) ?? 0) + by);
}
