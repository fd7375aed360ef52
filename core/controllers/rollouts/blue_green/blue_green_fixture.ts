import type { BlueGreenStrategy } from "../../../resources/argoproj/mod.ts";
import { type Service, services } from "../../../resources/core/services/services.ts";
import type { ServedTraffic } from "../../../traffic/served_traffic.ts";
import { TestRollout } from "../rollout_fixture.ts";
import { rolloutController } from "../rollouts.ts";
import { selectedHash } from "../parts/services.ts";
import { hashOf, revisionOf } from "../situation/sets.ts";
import { serviceReleaseController } from "../service_releases.ts";

const SERVICES = ["active", "preview"] as const;

/** A Rollout of the strategy blue-green with both Services. */
export class TestBlueGreen extends TestRollout {
  constructor(
    strategy: Partial<BlueGreenStrategy> = {},
    spec: object = {},
    traffic?: ServedTraffic,
  ) {
    const blueGreen = { activeService: "active", previewService: "preview", ...strategy };
    super({ replicas: 3, strategy: { blueGreen }, ...spec });
    this.controller = rolloutController(traffic);
    for (const name of SERVICES) {
      this.cluster.put(services, { metadata: { name }, spec: { selector: { app: "web" } } });
    }
  }

  service(name: string): Service {
    return this.cluster.get<Service>(services, { namespace: "default", name })!;
  }

  /** The revision that a Service selects; `undefined` when none is there, or the Service does not say. */
  revisionBehind(name: typeof SERVICES[number]): number | undefined {
    const hash = selectedHash(this.service(name));
    const set = hash === "" ? undefined : this.sets.find((each) => hashOf(each) === hash);
    return set && revisionOf(set);
  }

  /** Revisions behind the active and the preview Service. */
  get switches(): readonly (number | undefined)[] {
    return SERVICES.map((name) => this.revisionBehind(name));
  }

  /** Somebody lets the paused rollout go on. */
  promote(): this {
    return this.patchStatus({ pauseConditions: undefined });
  }

  /** Services that no rollout names are given back. */
  release(): this {
    this.cluster.settle([serviceReleaseController]);
    return this;
  }
}
