import type { Clock } from "../../lib/clock.ts";
import { DEFAULT_FLOW_SCHEMAS } from "../../resources/flowcontrol/default_flow_schemas.ts";
import { DEFAULT_PRIORITY_LEVELS } from "../../resources/flowcontrol/default_priority_levels.ts";
import { type FlowSchema, flowSchemas } from "../../resources/flowcontrol/flow_schemas.ts";
import {
  type PriorityLevelConfiguration,
  priorityLevelConfigurations,
} from "../../resources/flowcontrol/priority_level_configurations.ts";
import type { PriorityLevelSpec } from "../../resources/flowcontrol/priority_level_spec.ts";
import { groupResourceOf } from "../../resources/resource.ts";
import type { Store } from "../../store/store.ts";
import type { ApiContext, ApiMiddleware, User } from "../http/api_context.ts";
import type { RequestInfo } from "../http/request_info.ts";
import { type FlowMatcher, flowMatcher } from "./flow_matching.ts";
import { WriteLimit } from "./write_limit.ts";
import { type LevelLimits, type LevelPool, PriorityLevel } from "./priority_level.ts";

/** Requests that are served at once, but for exempt ones: kube-apiserver's 400 and 200 for writes. */
export const SEATS_MAX = 600;

const SCHEMAS = groupResourceOf(flowSchemas);
const LEVELS = groupResourceOf(priorityLevelConfigurations);
/** A request with one of them may go on for as long as it likes. */
const LONG_RUNNING = new Set(["attach", "exec", "follow", "log", "portforward", "proxy"]);

/** What is read of an object of either kind; of the fixed ones that are not there yet, the spec alone. */
interface Stored {
  metadata?: { uid?: string };
}
type Level = Stored & Pick<PriorityLevelConfiguration, "spec">;
type Schema = Stored & Pick<FlowSchema, "spec">;

/** Requests that belong together, and how they are limited. */
interface Flow {
  name: string;
  matches: FlowMatcher;
  level: PriorityLevel;
  /** What makes two requests of it different flows. */
  distinguisher: string | undefined;
  /** Of every answer. */
  headers: Readonly<Record<string, string>>;
}

/**
 * Priority and fairness: sorts requests into flows by the FlowSchemas, and gives each priority level its share of the
 * seats. It follows the objects; a change counts from the next request on.
 *
 * https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
 */
export class Fairness implements LevelPool {
  waiting = 0;
  readonly #store: Store;
  readonly #clock: Pick<Clock, "after">;
  readonly #seats: number;
  readonly #levels = new Map<string, PriorityLevel>();
  #flows: readonly Flow[] | undefined;

  constructor(
    { store, clock, seats = SEATS_MAX }: {
      store: Store;
      clock: Pick<Clock, "after">;
      seats?: number;
    },
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#seats = seats;
    for (const kind of [SCHEMAS, LEVELS]) {
      store.subscribe([kind], () => this.#flows = undefined);
    }
  }

  /** The flow of a request: of the schemas that match, the one that comes first. */
  flowOf(user: User, info: RequestInfo): Flow {
    const flows = this.#flows ??= this.#compiled();
    for (const flow of flows) if (flow.matches(user, info)) return flow;
    return flows.at(-1)!; // the last one matches whoever is there
  }

  /** Waits until the request has a seat, which is to be given back to the level. Throws TooManyRequests. */
  async seat(flow: Flow, user: User, info: RequestInfo, c?: ApiContext): Promise<void> {
    if (flow.level.enter()) return;
    const outgoing = c?.env?.outgoing;
    await flow.level.wait(flowName(flow, user, info), (leave) => outgoing?.once("close", leave));
  }

  /** Whether other levels have a seat to spare that nobody has borrowed yet. */
  lendsTo(borrower: PriorityLevel): boolean {
    let spare = 0;
    for (const level of this.#levels.values()) {
      if (level !== borrower) spare += level.spare;
      spare -= level.borrowed;
    }
    return spare > 0;
  }

  offer(from: PriorityLevel): void {
    from.seatWaiting();
    for (const level of this.#levels.values()) if (this.waiting > 0) level.seatWaiting();
  }

  #compiled(): readonly Flow[] {
    const configurations = this.#stored<Level>(LEVELS);
    for (const { metadata, spec } of DEFAULT_PRIORITY_LEVELS.slice(0, 2)) { // exempt and catch-all
      if (!configurations.has(metadata.name)) configurations.set(metadata.name, { spec });
    }
    this.#limitLevels(configurations);
    const schemas = this.#stored<Schema>(SCHEMAS);
    for (const fixed of [DEFAULT_FLOW_SCHEMAS[0]!, DEFAULT_FLOW_SCHEMAS.at(-1)!]) {
      if (!schemas.has(fixed.metadata.name)) schemas.set(fixed.metadata.name, { spec: fixed.spec });
    }
    return [...schemas]
      .sort(([a, { spec: { matchingPrecedence: x } }], [b, { spec: { matchingPrecedence: y } }]) =>
        x - y || (a < b ? -1 : 1)
      )
      .flatMap(([name, schema]) => {
        const { name: levelName = "" } = schema.spec.priorityLevelConfiguration;
        const level = this.#levels.get(levelName);
        const uids = [schema.metadata?.uid, configurations.get(levelName)?.metadata?.uid];
        return level ? [flowFrom(name, schema, level, uids)] : [];
      });
  }

  /** Gives each level its share of the seats. A level that is gone lets those who wait there end. */
  #limitLevels(configurations: ReadonlyMap<string, { spec: PriorityLevelSpec }>): void {
    for (const name of this.#levels.keys()) {
      if (!configurations.has(name)) this.#levels.delete(name);
    }
    let shares = 0;
    for (const { spec } of configurations.values()) shares += sharesOf(spec);
    for (const [name, { spec }] of configurations) {
      const limits = limitsFrom(spec, this.#seats, shares);
      const level = this.#levels.get(name);
      if (level) level.limit(limits);
      else this.#levels.set(name, new PriorityLevel(limits, this.#clock, this));
    }
  }

  #stored<T extends Stored>(kind: string): Map<string, T> {
    const entries = this.#store.list([kind]);
    return new Map(entries.map(({ key, object }) => [key[2], object as Stored as T]));
  }
}

function flowFrom(
  name: string,
  schema: Schema,
  level: PriorityLevel,
  [schemaUid = "", levelUid = ""]: readonly (string | undefined)[],
): Flow {
  return {
    name,
    matches: flowMatcher(schema),
    level,
    distinguisher: schema.spec.distinguisherMethod?.type,
    headers: {
      "x-kubernetes-pf-flowschema-uid": schemaUid,
      "x-kubernetes-pf-prioritylevel-uid": levelUid,
    },
  };
}

function sharesOf({ limited, exempt }: PriorityLevelSpec): number {
  return (limited ?? exempt)?.nominalConcurrencyShares ?? 0;
}

function limitsFrom(
  spec: PriorityLevelSpec,
  total: number,
  shares: number,
): LevelLimits | "exempt" {
  if (!spec.limited) return "exempt";
  const { lendablePercent, borrowingLimitPercent, limitResponse } = spec.limited;
  const seats = Math.ceil(total * sharesOf(spec) / Math.max(shares, 1));
  return {
    seats,
    lendable: Math.round(seats * lendablePercent / 100),
    borrowable: borrowingLimitPercent === undefined
      ? total
      : Math.round(seats * borrowingLimitPercent / 100),
    queuing: limitResponse.type === "Queue" ? limitResponse.queuing : undefined,
  };
}

function flowName({ name, distinguisher }: Flow, user: User, info: RequestInfo): string {
  switch (distinguisher) {
    case "ByUser":
      return `${name}/${user.name}`;
    case "ByNamespace":
      return `${name}/${info.isResource ? info.namespace ?? "" : ""}`;
    default:
      return name;
  }
}

/** Whether the request needs its seat to begin only: watches, logs and the like. */
export function isLongRunning(info: RequestInfo): boolean {
  return info.isResource &&
    (info.verb === "watch" ||
      (info.subresource !== undefined && LONG_RUNNING.has(info.subresource)));
}

/** Has each request wait for its turn, and refuses writes beyond their limit. */
export function passFairness(
  fairness: Fairness,
  writes: WriteLimit = new WriteLimit(),
): ApiMiddleware {
  return async (c, next) => {
    const info = c.get("info");
    const user = c.get("user");
    const flow = fairness.flowOf(user, info);
    c.set("flowHeaders", flow.headers);
    if (!flow.level.enter()) await fairness.seat(flow, user, info, c);
    if (isLongRunning(info)) {
      flow.level.leave();
      return await next();
    }
    const isWrite = c.req.method !== "GET" && c.req.method !== "HEAD";
    let isCounted = false;
    try {
      if (isWrite) writes.enter(user);
      isCounted = isWrite;
      await next();
    } finally {
      flow.level.leave();
      if (isCounted) writes.leave(user);
    }
  };
}
