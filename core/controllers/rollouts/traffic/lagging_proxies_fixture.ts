import { httpRoutes } from "../../../resources/gateway/http_routes.ts";
import { type Service, services } from "../../../resources/core/services/services.ts";
import type { ServedTraffic, Way } from "../../../traffic/served_traffic.ts";
import type { TestCluster } from "../../test_cluster.ts";
import { HASH_LABEL } from "../situation/sets.ts";

/** What a proxy serves by: the weight of each service in the route "web", and the set that it leads to. */
interface Table {
  revision: number;
  weights: ReadonlyMap<string, number>;
  sets: ReadonlyMap<string, string>;
}

const EMPTY: Table = { revision: 0, weights: new Map(), sets: new Map() };

/** Proxies whose tables are made when a test says so, and whose requests end then. */
export class LaggingProxies implements ServedTraffic {
  readonly #cluster: TestCluster;
  readonly #tables: Table[];
  /** Sets with requests from before the table, by proxy. */
  readonly #leaving: readonly Set<string>[];

  constructor(cluster: TestCluster, count: number) {
    this.#cluster = cluster;
    this.#tables = Array.from({ length: count }, () => EMPTY);
    this.#leaving = Array.from({ length: count }, () => new Set());
  }

  /** The weight that each set gets by each table in use. */
  get shares(): readonly ReadonlyMap<string, number>[] {
    return this.#tables.map(sharesOf);
  }

  /** The proxy gets a table of what is there now. Its requests by the former one go on. */
  catchUp(proxy: number): void {
    const before = sharesOf(this.#tables[proxy]!);
    this.#tables[proxy] = this.#tableNow();
    const now = sharesOf(this.#tables[proxy]);
    const leaving = this.#leaving.at(proxy)!;
    for (const hash of before.keys()) if (!now.has(hash)) leaving.add(hash);
  }

  /** Requests from before end. */
  drain(): void {
    this.#leaving.forEach((sets) => sets.clear());
  }

  serves(_kind: string, { metadata }: { metadata: { resourceVersion?: string } }): boolean {
    return this.#tables.every(({ revision }) => revision >= Number(metadata.resourceVersion));
  }

  waysTo({ hash }: { hash: string }): readonly Way[] {
    return this.#tables.flatMap((table, i) => {
      const proxy = `proxy-${i}`;
      const named = [...table.sets].filter(([, set]) => set === hash).map(([service]): Way => ({
        service,
        proxy,
        by: (table.weights.get(service) ?? 0) > 0 ? "share" : "address",
      }));
      const isBusy = this.#leaving.at(i)!.has(hash);
      return isBusy ? [...named, { service: "", proxy, by: "request" as const }] : named;
    });
  }

  onChange(): () => void {
    return () => {}; // the test looks at everything anyway
  }

  counts(): Promise<[]> {
    return Promise.resolve([]);
  }

  #tableNow(): Table {
    const route = this.#cluster.get(httpRoutes, { namespace: "default", name: "web" })!;
    const all = this.#cluster.list<Service>(services);
    return {
      revision: Math.max(
        ...[route, ...all].map(({ metadata }) => Number(metadata.resourceVersion)),
      ),
      weights: new Map(route.spec.rules[0]!.backendRefs!.map(({ name, weight }) => [name, weight])),
      sets: new Map(all.flatMap(({ metadata, spec }) => {
        const hash = spec.selector?.[HASH_LABEL];
        return hash === undefined ? [] : [[metadata.name, hash] as const];
      })),
    };
  }
}

function sharesOf({ weights, sets }: Table): Map<string, number> {
  const shares = new Map<string, number>();
  for (const [service, hash] of sets) {
    const weight = weights.get(service) ?? 0;
    if (weight > 0) shares.set(hash, (shares.get(hash) ?? 0) + weight);
  }
  return shares;
}
