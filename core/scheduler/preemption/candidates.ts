import type { Pod } from "../../resources/core/pods/pods.ts";
import { priorityOf } from "../evictable_pods.ts";
import { type Candidate, startMsOf } from "./victims.ts";

/** Added to priorities, so that a sum over more pods is never the smaller one: Kubernetes' `MaxInt32 + 1`. */
const PRIORITY_OFFSET = 2 ** 31;

/** What makes a candidate better, the most important first; the lower number is the better one. */
const CRITERIA: readonly ((candidate: Candidate) => number)[] = [
  ({ violations }) => violations,
  ({ victims }) => Math.max(...victims.map(priorityOf)),
  ({ victims }) => victims.reduce((sum, pod) => sum + priorityOf(pod) + PRIORITY_OFFSET, 0),
  ({ victims }) => victims.length,
  ({ victims }) => -earliestStartOf(victims),
];

/** Where preemption does the least harm; of equals the first. Kubernetes: `pickOneNodeForPreemption`. */
export function leastHarmful(candidates: readonly Candidate[]): Candidate | undefined {
  let best = candidates;
  for (const criterion of CRITERIA) {
    if (best.length <= 1) break;
    const values = best.map(criterion);
    const lowest = values.reduce((a, b) => Math.min(a, b));
    best = best.filter((_, i) => values[i] === lowest);
  }
  return best[0];
}

/** When the first of those started that have the highest priority. */
function earliestStartOf(victims: readonly Pod[]): number {
  const highest = Math.max(...victims.map(priorityOf));
  return Math.min(...victims.filter((pod) => priorityOf(pod) === highest).map(startMsOf));
}
