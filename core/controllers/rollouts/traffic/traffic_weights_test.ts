import assert from "node:assert/strict";
import fc from "fast-check";
import { sumOf } from "./port/traffic_writer.ts";
import { trafficWeights, weightMessage } from "./traffic_weights.ts";

const services = { stable: "web-stable", canary: "web-canary" };
const hashes = { canary: "new", stable: "old" };
const of = (weight: number, extra: Parameters<typeof trafficWeights>[0]["extra"] = []) =>
  trafficWeights({ max: 100, weight, extra, hashes, services });

Deno.test("Weights name services and sets, and leave out what is empty", () => {
  assert.deepEqual(of(20), {
    canary: { weight: 20, serviceName: "web-canary", podTemplateHash: "new" },
    stable: { weight: 80, serviceName: "web-stable", podTemplateHash: "old" },
  });
  const bare = trafficWeights({
    max: 100,
    weight: 0,
    extra: [],
    hashes: { canary: "", stable: "" },
    services: {},
  });
  assert.deepEqual(bare, { canary: { weight: 0 }, stable: { weight: 100 } });
});

Deno.test("Weights add up to the whole", () => {
  const share = fc.record({ weight: fc.nat({ max: 40 }), serviceName: fc.constant("x") });
  fc.assert(
    fc.property(fc.nat({ max: 100 }), fc.array(share, { maxLength: 2 }), (weight, extra) => {
      const { canary, stable, additional = [] } = of(weight, extra);
      assert.equal(canary.weight + stable.weight + sumOf(additional), 100);
    }),
  );
});

Deno.test("The event says what changed, as Argo Rollouts does", () => {
  const extra = [{ weight: 5, serviceName: "a", podTemplateHash: "x" }, {
    weight: 5,
    serviceName: "b",
  }];
  assert.equal(weightMessage({ ...of(20), verified: true }, of(20)), undefined);
  assert.equal(weightMessage(undefined, of(0)), "Traffic weight updated to 0");
  assert.equal(weightMessage(of(10), of(20)), "Traffic weight updated from 10 to 20");
  assert.equal(
    weightMessage(of(10), of(20, extra)),
    "Traffic weight updated from 10 to 20, additional: [{5 a x} {5 b }]",
  );
  assert.equal(weightMessage(of(20, extra), of(20)), "Traffic weight updated additional: []");
});
