import assert from "node:assert/strict";
import { ApiError } from "../../../client/api_error.ts";
import { VirtualClock } from "../../../lib/virtual_clock.ts";
import { configMaps } from "../../../resources/core/config_maps.ts";
import { events } from "../../../resources/events/events.ts";
import type { AnyResource } from "../../../resources/resource.ts";
import type { AdmissionRequest } from "../admission_rule.ts";
import { type EventLimit, eventRateLimit } from "./event_rate_limit.ts";

function limited(...limits: EventLimit[]) {
  const clock = new VirtualClock(0);
  const check = eventRateLimit(limits, clock);
  const write = (
    namespace: string,
    { user = "u", dryRun = false, resource = events as AnyResource } = {},
  ) => {
    const next = { metadata: { namespace, name: "e" }, source: {}, involvedObject: { name: "o" } };
    try {
      check({ resource, next, options: { user, dryRun } } as unknown as AdmissionRequest);
      return undefined;
    } catch (error) {
      assert.ok(error instanceof ApiError && error.code === 429);
      return error.message;
    }
  };
  return { clock, write };
}

Deno.test("a namespace that writes too many Events is refused more, others are not", async () => {
  const { clock, write } = limited({ type: "Namespace", qps: 2, burst: 3 });
  for (let i = 0; i < 3; i++) assert.equal(write("a"), undefined);
  assert.equal(write("a"), "limit reached on type Namespace for key a");
  assert.equal(write("b"), undefined);
  assert.equal(write("a", { dryRun: true }), undefined);
  assert.equal(write("a", { resource: configMaps }), undefined);
  await clock.advance(500);
  assert.equal(write("a"), undefined);
  assert.equal(write("a"), "limit reached on type Namespace for key a");
});

Deno.test("several limits hold together, and all that refuse are named", () => {
  const { write } = limited(
    { type: "Server", qps: 1, burst: 1 },
    { type: "User", qps: 1, burst: 1 },
    { type: "SourceAndObject", qps: 1, burst: 5 },
  );
  assert.equal(write("a"), undefined);
  assert.equal(
    write("a"),
    "[limit reached on type Server for key , limit reached on type User for key u]",
  );
});

Deno.test("of very many namespaces only the last are remembered", () => {
  const { write } = limited({ type: "Namespace", qps: 0.001, burst: 1 });
  for (let i = 0; i < 5_000; i++) assert.equal(write(`n${i}`), undefined);
  assert.notEqual(write("n4999"), undefined);
  assert.equal(write("n0"), undefined);
});
