import assert from "node:assert/strict";
import type { TrafficRouting } from "../../../../resources/argoproj/mod.ts";
import { RoutingFixture } from "../port/routing_fixture.ts";
import { writersOf } from "./mod.ts";

function typesOf(routing: TrafficRouting): string[] {
  return writersOf(new RoutingFixture().routed(routing)).map(({ type }) => type);
}

Deno.test("All routers that a rollout names are driven, in Argo Rollouts' order", () => {
  const plugins = { "coracle.dev/service": {}, "argoproj-labs/gatewayAPI": { httpRoute: "web" } };
  const alb = { ingress: "a", servicePort: 80 };
  assert.deepEqual(typesOf({ plugins, alb, nginx: { stableIngress: "a" } }), [
    "Nginx",
    "ALB",
    "coracle.dev/service",
    "argoproj-labs/gatewayAPI",
  ]);
  assert.deepEqual(typesOf({}), []);
});

Deno.test("A router that is not there is said, with what is", () => {
  const message = /plugins\["argoproj-labs\/gatewayAPI"\] or plugins\["coracle\.dev\/service"\]$/;
  assert.throws(() => typesOf({ smi: {} }), { name: "RoutingError", message });
  assert.throws(
    () => typesOf({ plugins: { toString: {} } }),
    /^RoutingError: Plugin "toString" is not there; built in/,
  );
});
