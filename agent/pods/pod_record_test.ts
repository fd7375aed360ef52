import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { run } from "./next_step_fixture.ts";
import { PodRecord } from "./pod_record.ts";

const STARTED_MS = Date.parse("2026-01-01T00:00:00Z");

Deno.test("the deadline of a pod counts from its start, and a clock that is set does not move it", () => {
  const record = new PodRecord("u");
  const pod = {
    metadata: { uid: "u" },
    spec: { activeDeadlineSeconds: 60, containers: [] },
    status: { startTime: new Date(STARTED_MS).toISOString() },
  } as unknown as Pod; // only what is read
  record.want({ ...pod, status: {} } as Pod, { nowMs: STARTED_MS, elapsedMs: 1_000 });
  assert.equal(record.observed.overdueMs, undefined);
  record.want(pod, { nowMs: STARTED_MS + 20_000, elapsedMs: 21_000 });
  assert.equal(record.observed.overdueMs, 61_000);
  record.want(pod, { nowMs: STARTED_MS + 9_000_000, elapsedMs: 22_000 });
  assert.equal(record.observed.overdueMs, 61_000);
});

Deno.test("a pod that was started in the future was started now", () => {
  const record = new PodRecord("u");
  const status = { startTime: new Date(STARTED_MS).toISOString() };
  const pod = {
    metadata: {},
    spec: { activeDeadlineSeconds: 60, containers: [] },
    status,
  } as unknown as Pod;
  record.want(pod, { nowMs: STARTED_MS - 3_600_000, elapsedMs: 5_000 });
  assert.equal(record.observed.overdueMs, 65_000);
});

Deno.test("a run that has ended stays so, whatever is said of it later", () => {
  const record = new PodRecord("u");
  assert.equal(record.put(run(0, "created")), true);
  assert.equal(record.put(run(0, "exited")), true);
  const { version } = record;
  assert.equal(record.put(run(0, "running")), false);
  assert.deepEqual(record.containers, [run(0, "exited")]);
  assert.equal(record.version, version);
});

Deno.test("the pod of a container is found as long as the container is known", () => {
  const podOfContainer = new Map<string, string>();
  const record = new PodRecord("u", podOfContainer);
  record.put(run(0, "running"));
  record.put(run(1, "created"));
  assert.deepEqual([...podOfContainer], [["main-0", "u"], ["main-1", "u"]]);
  record.drop("main-0");
  assert.deepEqual([...podOfContainer], [["main-1", "u"]]);
});
