/** What endpoints are chosen by. */
export interface Candidate {
  /** Requests and connections that it serves. */
  readonly inFlight: number;
  readonly state: "active" | "draining";
  /** It has refused a connection: until then others are preferred. */
  readonly suspectUntilMs: number;
}

/** Added to the load of suspects: more than any endpoint has in flight. */
const SUSPECT_LOAD = 1e9;

/**
 * The rule of load balancing: the endpoint with the fewest in flight; those with equally few take turns. `undefined`: none
 * can answer. Never one that is draining, nor `except`, which has just failed; suspects only when there is no other. `turn`:
 * which one is looked at first. Called for each request: a rule must not allocate.
 */
export function leastBusy<T extends Candidate>(
  endpoints: readonly T[],
  turn: number,
  nowMs: number,
  except?: T,
): T | undefined {
  let best: T | undefined, bestLoad = Infinity;
  for (let i = 0; i < endpoints.length; i++) {
    const endpoint = endpoints[(turn + i) % endpoints.length]!;
    if (endpoint === except || endpoint.state === "draining") continue;
    const load = endpoint.inFlight + (endpoint.suspectUntilMs > nowMs ? SUSPECT_LOAD : 0);
    if (load >= bestLoad) continue;
    best = endpoint;
    bestLoad = load;
  }
  return best;
}
