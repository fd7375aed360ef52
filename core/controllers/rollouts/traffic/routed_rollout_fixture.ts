import assert from "node:assert/strict";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import { services } from "../../../resources/core/services/services.ts";
import { httpRoutes } from "../../../resources/gateway/http_routes.ts";
import { TestRollout } from "../rollout_fixture.ts";
import { rolloutController } from "../rollouts.ts";
import { availableOf, hashOf } from "../situation/sets.ts";
import { LaggingProxies } from "./lagging_proxies_fixture.ts";

export const BROKEN = "web:broken";
export const PROXIES = 2;

/** A rollout whose traffic our own proxies split, by tables that are made late. */
export class RoutedRollout extends TestRollout {
  /** Whether more pods were wanted since; until these are there nothing can be carried as it should. */
  isScaled = false;
  readonly proxies = new LaggingProxies(this.cluster, PROXIES);

  constructor(canary: object, replicas: number) {
    const trafficRouting = { plugins: { "argoproj-labs/gatewayAPI": { httpRoute: "web" } } };
    super({
      replicas,
      strategy: {
        canary: {
          canaryService: "web-canary",
          stableService: "web-stable",
          trafficRouting,
          ...canary,
        },
      },
    });
    this.controller = rolloutController(this.proxies);
    this.broken.add(BROKEN);
    for (const name of ["web-canary", "web-stable"]) {
      const spec = { selector: { app: "web" }, ports: [{ port: 80 }] };
      this.cluster.put(services, { metadata: { name }, spec });
    }
    const backendRefs = ["web-stable", "web-canary"].map((name) => ({ name, port: 80 }));
    this.cluster.put(httpRoutes, { metadata: { name: "web" }, spec: { rules: [{ backendRefs }] } });
  }

  /** All proxies get tables, and requests end, until nothing is to do. */
  runAll(): this {
    let before = "";
    for (let now = this.#text(); now !== before; now = this.#text()) {
      before = now;
      this.run();
      for (let i = 0; i < PROXIES; i++) this.catchUp(i);
      this.proxies.drain();
      this.run();
    }
    return this;
  }

  #text(): string {
    return JSON.stringify([this.status, this.sizes]);
  }

  catchUp(proxy: number): void {
    this.proxies.catchUp(proxy);
    this.assertCarried(`after a new table of ${proxy}`);
  }

  /**
   * No set gets more than its ready pods carry; once somebody has scaled up, that none without pods gets anything.
   * `shrunk`: a set that is about to have other pods.
   */
  assertCarried(when: string, shrunk?: ReplicaSet): void {
    const { replicas = 1 } = this.rollout.spec;
    const needed = this.isScaled ? 0 : replicas;
    const podsOf = (hash: string) =>
      shrunk && hashOf(shrunk) === hash
        ? Math.min(availableOf(shrunk), shrunk.spec.replicas)
        : availableOf(this.sets.find((set) => hashOf(set) === hash));
    for (const shares of this.proxies.shares) {
      for (const [hash, share] of shares) {
        const pods = podsOf(hash);
        const text = `${when}: ${pods} of ${replicas} pods of ${hash} get ${share} %`;
        const isCarried = pods > 0 && share * needed <= 100 * pods;
        assert.ok(isCarried, `${text}: ${JSON.stringify(this.status)}`);
      }
    }
  }

  /** Weights in the route: stable, canary. */
  get route(): (number | undefined)[] {
    const route = this.cluster.get(httpRoutes, { namespace: "default", name: "web" })!;
    return route.spec.rules[0]!.backendRefs!.map(({ weight }) => weight);
  }

  /** The revision that a service leads to. */
  revisionOf(service: string): string | undefined {
    const { spec } = this.cluster.get(services, { namespace: "default", name: service })!;
    const set = this.sets.find((each) =>
      hashOf(each) === spec.selector!["rollouts-pod-template-hash"]
    );
    return set?.metadata.annotations?.["rollout.argoproj.io/revision"];
  }

  /** Somebody writes the route, without another weight. */
  touchRoute(): void {
    const route = this.cluster.get(httpRoutes, { namespace: "default", name: "web" })!;
    this.cluster.put(httpRoutes, { ...route });
  }
}
