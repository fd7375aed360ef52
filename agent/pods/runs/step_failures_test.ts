import assert from "node:assert/strict";
import { ConfigError } from "../../runtimes/config_error.ts";
import { RuntimeError } from "../../runtimes/container_runtime.ts";
import type { Failure } from "./observed_pod.ts";
import { failureOf } from "./step_failures.ts";

const MOMENT = { nowMs: Date.parse("2026-01-01T00:00:00Z"), elapsedMs: 5_000 };
const unavailable = new RuntimeError("RuntimeUnavailable", "no answer");

Deno.test("what fails has a stage and a reason, and is tried again in its own time", () => {
  const cases: [error: unknown, stage: Failure["stage"], became: string, waitsMs: number[]][] = [
    [new Error("no"), "pull", "pull ErrImagePull", [10_000, 20_000, 300_000]],
    [new Error("no"), "create", "create CreateContainerError", [10_000, 20_000, 300_000]],
    [new Error("no"), "run", "run RunContainerError", [10_000, 20_000, 300_000]],
    [new ConfigError("no"), "create", "config CreateContainerConfigError", [
      10_000,
      20_000,
      60_000,
    ]],
    [new Error("no"), "prepare", "prepare CreateContainerError", [1_000, 2_000, 60_000]],
    [new Error("no"), "confirmDeletion", "confirmDeletion CreateContainerError", [
      1_000,
      2_000,
      60_000,
    ]],
    [
      new RuntimeError("ErrImageNeverPull", "no"),
      "pull",
      "pull ErrImageNeverPull",
      [10_000, 20_000, 60_000],
    ],
    [unavailable, "pull", "pull ErrImagePull", [1_000, 2_000, 60_000]],
    [unavailable, "run", "create CreateContainerError", [1_000, 2_000, 60_000]],
    [unavailable, "create", "create CreateContainerError", [1_000, 2_000, 60_000]],
  ];
  for (const [error, stage, became, [firstMs, secondMs, longestMs]] of cases) {
    const first = failureOf(error, stage, undefined, MOMENT);
    assert.equal(`${first.stage} ${first.reason}`, became);
    assert.equal(first.failures, 1);
    assert.equal(first.retryAtMs, 5_000 + firstMs!, became);
    const second = failureOf(error, stage, first, MOMENT);
    assert.equal(second.failures, 2);
    assert.equal(second.retryAtMs, 5_000 + secondMs!, became);
    const last = failureOf(error, stage, { ...first, failures: 40 }, MOMENT);
    assert.equal(last.retryAtMs, 5_000 + longestMs!, became);
  }
});

Deno.test("a failure of another stage is the first of its own", () => {
  const pulled = failureOf(new Error("a"), "pull", undefined, MOMENT);
  assert.deepEqual(failureOf("b", "create", pulled, MOMENT), {
    stage: "create",
    reason: "CreateContainerError",
    message: "b",
    atMs: 5_000,
    time: "2026-01-01T00:00:00Z",
    failures: 1,
    retryAtMs: 15_000,
  });
});
