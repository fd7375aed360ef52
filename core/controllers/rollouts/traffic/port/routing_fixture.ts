import type { Notice } from "../../../../client/event_recorder.ts";
import { type Rollout, rollouts, type TrafficRouting } from "../../../../resources/argoproj/mod.ts";
import { type Service, services } from "../../../../resources/core/services/services.ts";
import { update } from "../../../runtime/controller.ts";
import { TestCluster } from "../../../test_cluster.ts";
import { StagedObjects } from "./staged_objects.ts";
import type { RoutedRollout } from "./traffic_writer.ts";

/** A rollout "web" with the services `web-stable` and `web-canary` in a cluster, for tests of writers. */
export class RoutingFixture {
  readonly cluster = new TestCluster();
  readonly notices: Pick<Notice, "reason" | "message">[] = [];

  #services = new Map<string, Service>();

  constructor() {
    for (const name of ["web", "web-stable", "web-canary", "probe"]) {
      this.cluster.put(services, {
        metadata: { name },
        spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
      });
    }
  }

  /** The rollout as a writer sees it now, routed so. */
  routed(
    routing: TrafficRouting,
    { canary = {}, status }: { canary?: object; status?: object } = {},
  ): RoutedRollout {
    const strategy = {
      canaryService: "web-canary",
      stableService: "web-stable",
      ...canary,
      trafficRouting: routing,
    };
    const rollout = this.cluster.put<Rollout>(rollouts, {
      metadata: { name: "web", uid: "uid-web" },
      spec: { strategy: { canary: strategy } },
      ...(status && { status }),
    });
    const changed = this.#services = new Map<string, Service>();
    return {
      rollout,
      canary: rollout.spec.strategy!.canary!,
      routing: rollout.spec.strategy!.canary!.trafficRouting!,
      max: routing.maxTrafficWeight ?? 100,
      objects: new StagedObjects(this.cluster),
      services: {
        now: (service) => changed.get(service.metadata.name) ?? service,
        change: (service, change) => {
          const now = changed.get(service.metadata.name) ?? service;
          if (change(now) !== now) changed.set(service.metadata.name, change(now));
        },
      },
      tell: (reason, message) => void this.notices.push({ reason, message }),
    };
  }

  /** Writes what was changed; says how many writes that were. */
  write({ objects }: RoutedRollout): number {
    const changed = [...this.#services.values()].map((service) => update(services, service));
    const writes = [...objects.writes, ...changed];
    this.cluster.perform({ writes });
    return writes.length;
  }
}
