import { servedSetKey } from "../../core/traffic/rollout_sets.ts";
import { backendsOf, type RouteTable } from "./route_table.ts";

/** Sets of rollouts that a table leads to, by `servedSetKey`. */
export interface SetsInUse {
  /** By a weight: of a rule or its mirrors, or of the shares of a Service. */
  readonly shared: readonly string[];
  /** By an address of their Service. */
  readonly addressed: readonly string[];
}

/** Which sets a table leads to, and how. A weight of 0 leads nowhere. */
export function setsInUse({ listeners, backends }: RouteTable): SetsInUse {
  const shared = new Set<string>(), addressed = new Set<string>();
  const note = (index: number, to: Set<string>) => {
    const { set } = backends[index]!;
    if (set !== undefined) to.add(servedSetKey(set));
  };
  for (const listener of listeners) {
    if (listener.protocol === "HTTP") {
      for (const { routes } of listener.hosts) {
        for (const { rule: { shares, mirrors = [] } } of routes) {
          for (const { backend, weight } of shares) if (weight > 0) note(backend, shared);
          for (const { backend, numerator } of mirrors) if (numerator > 0) note(backend, shared);
        }
      }
      continue;
    }
    for (const lead of [listener, listener.outside ?? []].flat()) {
      const to = lead.split ? shared : addressed;
      for (const backend of backendsOf(lead)) note(backend, to);
    }
  }
  return { shared: [...shared], addressed: [...addressed] };
}
