import { type Backend, type Endpoint, endpointKey } from "../../core/traffic/backends.ts";
import { servedSetKey } from "../../core/traffic/rollout_sets.ts";
import type { BackendCounts } from "../../core/traffic/backend_counts.ts";
import { hashedName } from "../../core/lib/hashed_name.ts";
import { Affinities } from "./affinities.ts";
import { noCounts, sumOfCounts } from "./backend_stats.ts";
import { leastBusy } from "./least_busy.ts";
import { LiveEndpoint } from "./live_endpoint.ts";
import { LiveSet } from "./live_set.ts";

/** The rule of load balancing: another one is a file beside `least_busy.ts`, and this line. */
const chooseEndpoint = leastBusy;

/** A backend with its endpoints as they are now, and its counts since the start. */
export class LiveBackend {
  /** Whose turn it is among equals. */
  #turn = 0;

  constructor(
    readonly definition: Backend,
    readonly endpoints: readonly LiveEndpoint[],
    readonly counts: BackendCounts,
    readonly affinities?: Affinities,
    readonly set?: LiveSet,
  ) {}

  /** Counts a request as in flight. Pairs with `ended`. */
  began(): void {
    this.counts.inFlight++;
    this.set?.began();
  }

  ended(): void {
    this.counts.inFlight--;
    this.set?.ended();
  }

  /** Claims the endpoint whose turn it is, never the one that has just failed (`except`). `undefined`: nobody can answer. */
  claim(nowMs: number, except?: LiveEndpoint): LiveEndpoint | undefined {
    const chosen = chooseEndpoint(this.endpoints, this.#turn, nowMs, except);
    this.#turn = (this.#turn + 1) % Math.max(1, this.endpoints.length);
    chosen?.claim();
    return chosen;
  }

  /** Claims the endpoint of a session, by its `hashedName`, while it can answer. */
  claimAgain(hash: string, nowMs: number): LiveEndpoint | undefined {
    const known = this.endpoints.find(({ key, state, suspectUntilMs }) =>
      state === "active" && suspectUntilMs <= nowMs && hashedName(key) === hash
    );
    known?.claim();
    return known;
  }

  /** The same for a client, by its address, which stays with its endpoint where the backend wants that. */
  claimFor(client: string, nowMs: number, except?: LiveEndpoint): LiveEndpoint | undefined {
    const { affinities, definition: { affinityMs } } = this;
    if (affinities === undefined || affinityMs === undefined) return this.claim(nowMs, except);
    const key = affinities.endpointOf(client, nowMs, affinityMs);
    const known = this.endpoints.find((each) => each.key === key && each !== except);
    known?.claim();
    const chosen = known ?? this.claim(nowMs, except);
    if (chosen !== undefined) affinities.note(client, chosen.key, nowMs);
    return chosen;
  }
}

/** Counts of a set by one port of a Service. */
export interface SetCount {
  readonly set: NonNullable<Backend["set"]>;
  readonly counts: BackendCounts;
}

interface Counted extends Partial<SetCount> {
  readonly name: string;
  readonly counts: BackendCounts;
}

/** The endpoints and backends of one thread, across tables. */
export class Backends {
  readonly #endpoints = new Map<string, LiveEndpoint>();
  readonly #counts = new Map<string, Counted>();
  /** By `servedSetKey`. */
  readonly #sets = new Map<string, LiveSet>();
  readonly #affinities = new Map<string, Affinities>();
  readonly #onDrained: (endpoint: LiveEndpoint) => void;

  /** `onDrained`: called when an endpoint that left the table has nothing in flight any more. */
  constructor(onDrained: (endpoint: LiveEndpoint) => void) {
    this.#onDrained = onDrained;
  }

  /**
   * The live form of the backends of the next table. Endpoints that are in it stay as they are. The others are returned as
   * `removed`: the caller drains them by {@linkcode drain} once the new table is in use.
   */
  build(backends: readonly Backend[]): { live: LiveBackend[]; removed: LiveEndpoint[] } {
    const kept = new Set<string>();
    const live = backends.map((backend) => {
      const endpoints = backend.endpoints.map((endpoint) => this.#liveEndpoint(endpoint));
      for (const { key } of endpoints) kept.add(key);
      const counts = this.#countsOf(backend), affinities = this.#affinitiesOf(backend);
      return new LiveBackend(backend, endpoints, counts, affinities, this.#setOf(backend));
    });
    const names = new Set(backends.map(({ name }) => name));
    for (const name of this.#affinities.keys()) if (!names.has(name)) this.#affinities.delete(name);
    const removed = [...this.#endpoints.values()].filter(({ key, state }) =>
      state === "active" && !kept.has(key)
    );
    this.#forgetCounts(backends);
    return { live, removed };
  }

  drain(endpoint: LiveEndpoint): void {
    endpoint.drain(() => {
      this.#endpoints.delete(endpoint.key);
      endpoint.closeAll();
      this.#onDrained(endpoint);
    });
  }

  /** Closes connections to endpoints that were not used since this was called last. */
  closeUnused(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.closeUnused();
  }

  /** Uids of the pods that have left the table and have requests in flight, one for each endpoint. */
  draining(): string[] {
    return [...this.#endpoints.values()].filter(({ state }) => state === "draining")
      .map(({ endpoint }) => endpoint.podUid);
  }

  /** Counts by backend name, of all backends of the table and of those that still have requests in flight. */
  counts(): Record<string, BackendCounts> {
    const byName = Map.groupBy(this.#counts.values(), ({ name }) => name);
    return Object.fromEntries(
      [...byName].map(([name, all]) => [name, sumOfCounts(all.map(({ counts }) => counts))]),
    );
  }

  /** Counts of the sets of rollouts, by the ports that lead to them. */
  countsOfSets(): SetCount[] {
    return [...this.#counts.values()].flatMap(({ set, counts }) => set ? [{ set, counts }] : []);
  }

  /**
   * Notes which sets get requests by weight. Returns those that do not and have some in flight: `onIdle` is called with
   * each when these have ended.
   */
  share(shared: ReadonlySet<string>, onIdle: (set: string) => void): string[] {
    const busy: string[] = [];
    for (const [key, set] of this.#sets) {
      set.isShared = shared.has(key);
      set.awaitIdle(() => onIdle(key));
      if (set.isBusy) busy.push(key);
    }
    return busy;
  }

  /** Waits no longer for the requests of a set. */
  giveUpOn(set: string): void {
    this.#sets.get(set)?.giveUp();
  }

  #liveEndpoint(endpoint: Endpoint): LiveEndpoint {
    const key = endpointKey(endpoint);
    const known = this.#endpoints.get(key);
    if (known) {
      known.use(endpoint);
      known.revive();
      return known;
    }
    const live = new LiveEndpoint(endpoint);
    this.#endpoints.set(key, live);
    return live;
  }

  #affinitiesOf({ name, affinityMs }: Backend): Affinities | undefined {
    if (affinityMs === undefined) return undefined;
    const known = this.#affinities.get(name) ?? new Affinities();
    this.#affinities.set(name, known);
    return known;
  }

  #countsOf(backend: Backend): BackendCounts {
    const { name, set } = backend, key = countsKey(backend);
    const known = this.#counts.get(key);
    if (known) return known.counts;
    const counts = noCounts();
    this.#counts.set(key, { name, counts, ...(set && { set }) });
    return counts;
  }

  #setOf({ set }: Backend): LiveSet | undefined {
    if (set === undefined) return undefined;
    const key = servedSetKey(set), known = this.#sets.get(key) ?? new LiveSet();
    this.#sets.set(key, known);
    return known;
  }

  #forgetCounts(backends: readonly Backend[]): void {
    const keys = new Set(backends.map(countsKey));
    for (const [key, { counts: { inFlight } }] of this.#counts) {
      if (!keys.has(key) && inFlight === 0) this.#counts.delete(key);
    }
    const sets = new Set(backends.flatMap(({ set }) => set ? servedSetKey(set) : []));
    for (const [key, { isIdle }] of this.#sets) {
      if (!sets.has(key) && isIdle) this.#sets.delete(key);
    }
  }
}

/** What is counted together: a backend that leads to another set now begins anew. */
function countsKey({ name, set }: Backend): string {
  return set ? `${name} ${set.hash}` : name;
}
