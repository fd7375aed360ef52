import assert from "node:assert/strict";
import type { TrafficRouting } from "../../../../resources/argoproj/mod.ts";
import { services } from "../../../../resources/core/services/services.ts";
import { RoutingFixture } from "../port/routing_fixture.ts";
import { serviceWriter } from "./service_shares.ts";

function by(settings: unknown): TrafficRouting {
  return { plugins: { "coracle.dev/service": settings } };
}

function sharesOf({ cluster }: RoutingFixture, name: string): string | undefined {
  return cluster.get(services, { namespace: "default", name })!.metadata.annotations
    ?.["coracle.dev/shares"];
}

Deno.test("The traffic of a plain Service is shared by an annotation of it", () => {
  const made = new RoutingFixture();
  const routing = by({ service: "web" });
  const routed = made.routed(routing);
  const writer = serviceWriter(routed);
  writer.setWeight(20, [{ weight: 10, serviceName: "probe" }]);
  assert.equal(
    writer.verified({ serves: () => true }),
    false,
    "nothing serves what is not yet written",
  );
  assert.equal(made.write(routed), 1);
  assert.equal(sharesOf(made, "web"), "web-stable=70,web-canary=20,probe=10");
  const again = made.routed(routing);
  const next = serviceWriter(again);
  next.setWeight(20, [{ weight: 10, serviceName: "probe" }]);
  assert.equal(made.write(again), 0);
  assert.equal(next.verified({ serves: (kind) => kind === "Service" }), true);
  assert.equal(next.verified({ serves: () => false }), false);
});

Deno.test("Without a name the stable service is the one that is shared", () => {
  const made = new RoutingFixture();
  const routed = made.routed(by({}));
  serviceWriter(routed).setWeight(0, []);
  made.write(routed);
  assert.equal(sharesOf(made, "web-stable"), "web-stable=100,web-canary=0");
});

Deno.test("Steps that need a route say so; so does a name that is none", () => {
  const made = new RoutingFixture();
  const writerBy = (settings: unknown) => serviceWriter(made.routed(by(settings)));
  assert.throws(() => writerBy({}).setHeaderRoute({ name: "a" }), /needs an HTTPRoute/);
  assert.throws(() => writerBy({ service: 1 }), /must be the name of a Service/);
  assert.throws(() => writerBy({ service: "none" }).setWeight(1, []), /services "none" not found/);
});
