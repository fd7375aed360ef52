import assert from "node:assert/strict";
import type { CanaryStep } from "../../../resources/argoproj/mod.ts";
import { pauseSecondsOf, servicesOf, stepText } from "./steps.ts";

Deno.test("a pause is as long as Argo Rollouts reads it", () => {
  const rows: [duration: number | string | undefined, seconds: number | undefined][] = [
    [undefined, undefined],
    [10, 10],
    ["10", 10],
    ["10s", 10],
    ["1h", 3_600],
    ["1m30s", 90],
    ["1.9s", 1],
    ["soon", -1],
  ];
  for (const [duration, seconds] of rows) {
    const pause = duration === undefined ? {} : { duration };
    assert.equal(pauseSecondsOf({ pause }), seconds, String(duration));
  }
});

Deno.test("events name steps in Argo Rollouts' words", () => {
  const rows: [CanaryStep, string][] = [
    [{ setWeight: 50 }, "setWeight: 50"],
    [{ setWeight: 0 }, "setWeight: 0"],
    [{ pause: {} }, "pause"],
    [{ pause: { duration: "3s" } }, "pause: 3s"],
    [{ pause: { duration: 3 } }, "pause: 3"],
    [{ experiment: { templates: [] } }, "experiment"],
    [{ analysis: {} }, "analysis"],
    [{ setCanaryScale: { weight: 25 } }, "setCanaryScale{weight: 25}"],
    [{ setCanaryScale: { replicas: 0 } }, "setCanaryScale{replicas: 0}"],
    [
      { setCanaryScale: { matchTrafficWeight: true } },
      "setCanaryScale{matchTrafficWeight: true}",
    ],
    [{ plugin: { name: "x" } }, "plugin: x"],
    [{ setHeaderRoute: { name: "x" } }, "invalid"],
    [{ setMirrorRoute: { name: "x" } }, "invalid"],
  ];
  for (const [step, text] of rows) assert.equal(stepText(step), text);
});

Deno.test("the services of ping-pong swap their parts", () => {
  const pingPong = { pingService: "ping", pongService: "pong" };
  const named = { canaryService: "c", stableService: "s" };
  assert.deepEqual(servicesOf(named, "ping"), named);
  const ping = { stableService: "ping", canaryService: "pong" };
  assert.deepEqual(servicesOf({ ...named, pingPong }, "ping"), ping);
  const pong = { stableService: "pong", canaryService: "ping" };
  assert.deepEqual(servicesOf({ ...named, pingPong }, "pong"), pong);
  assert.deepEqual(servicesOf({ ...named, pingPong }, undefined), pong);
});
