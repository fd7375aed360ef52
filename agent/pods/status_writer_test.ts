import assert from "node:assert/strict";
import { ApiError } from "../../core/client/api_error.ts";
import { LinkError } from "../../core/client/link_error.ts";
import type { Client } from "../../core/client/client.ts";
import { silentLog } from "../../core/lib/log.ts";
import { settled, VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { StatusWriter } from "./status_writer.ts";

Deno.test("changes of one turn make one write, and those during a write make one more", async () => {
  const world = new WriterWorld();
  world.phase = "Pending";
  for (const phase of ["Running", "Failed"] as const) {
    world.phase = phase;
    world.writer.mark();
  }
  await settled();
  assert.deepEqual(world.asked, ["Failed"]);
  for (const phase of ["Pending", "Running"] as const) {
    world.phase = phase;
    world.writer.mark();
  }
  await world.answer();
  assert.deepEqual(world.asked, ["Failed", "Running"]);
  await world.answer();
});

Deno.test("a status that says nothing new is not written", async () => {
  const world = new WriterWorld();
  world.phase = "Unknown";
  world.writer.mark();
  await settled();
  assert.deepEqual(world.asked, []);
});

Deno.test("a write that lost a race is repeated at once; one that failed, after a growing wait", async () => {
  const world = new WriterWorld();
  world.writer.mark();
  await world.answer(new ApiError("Conflict", "changed meanwhile"));
  assert.equal(world.asked.length, 2);
  await world.answer(new Error("no connection"));
  assert.equal(world.asked.length, 2);
  await world.clock.advance(250);
  assert.equal(world.asked.length, 3);
  await world.answer();
  assert.equal(world.clock.pending, 0);
});

Deno.test("what a mirror does not show yet is not written again", async () => {
  const world = new WriterWorld();
  world.writer.mark();
  await world.answer(); // the view still shows the pod as it was before
  world.writer.mark();
  await settled();
  assert.equal(world.asked.length, 1);
});

Deno.test("what was written is known before a mirror shows it, and no longer than that", async () => {
  const world = new WriterWorld();
  const before = world.shown;
  assert.equal(world.writer.withLastWritten(before), before);
  world.phase = "Failed";
  world.writer.mark();
  await world.answer();
  assert.equal(world.writer.withLastWritten(before).status.phase, "Failed");
  const later = { ...before, metadata: { ...before.metadata, resourceVersion: "99" } };
  assert.equal(world.writer.withLastWritten(later), later);
});

Deno.test("flush waits for the present status to be written", async () => {
  const world = new WriterWorld();
  let isFlushed = false;
  const flush = world.writer.flush().then(() => isFlushed = true);
  await settled();
  assert.equal(isFlushed, false);
  await world.answer();
  await flush;
});

Deno.test("how far a start has come is written with what comes of it, or after a second", async () => {
  const world = new WriterWorld();
  world.shown = { ...world.shown, status: creating({}) };
  world.status = creating({ podIP: "10.0.0.1" });
  world.writer.mark();
  await world.clock.advance(900);
  assert.deepEqual(world.asked, []);
  world.status = creating({ podIP: "10.0.0.1", containerID: "simulated://a" });
  world.writer.mark();
  await world.clock.advance(99);
  assert.deepEqual(world.asked, []);
  await world.clock.advance(1);
  assert.deepEqual(world.asked, ["Pending 10.0.0.1 simulated://a"]);
  await world.answer();
  assert.equal(world.clock.pending, 0);
});

Deno.test("what somebody waits for is written at once, with how far the start has come", async () => {
  const world = new WriterWorld();
  world.shown = { ...world.shown, status: creating({}) };
  world.status = creating({ podIP: "10.0.0.1" });
  world.writer.mark();
  await settled();
  world.status = {
    ...creating({ podIP: "10.0.0.1", containerID: "simulated://a" }),
    phase: "Running",
  };
  world.writer.mark();
  await world.answer();
  assert.deepEqual(world.asked, ["Running 10.0.0.1 simulated://a"]);
  assert.equal(world.clock.pending, 0);
});

Deno.test("flush writes also how far a start has come", async () => {
  const world = new WriterWorld();
  world.shown = { ...world.shown, status: creating({}) };
  world.status = creating({ podIP: "10.0.0.1" });
  const flush = world.writer.flush();
  await world.answer(new ApiError("Conflict", "changed meanwhile"));
  await world.answer();
  await flush;
  assert.equal(world.asked.length, 2);
  assert.equal(world.clock.pending, 0);
});

Deno.test("a pod that is gone, or another of its name, is not written", async () => {
  const world = new WriterWorld();
  world.shown = { ...world.shown, metadata: { ...world.shown.metadata, uid: "other" } };
  await world.writer.flush();
  assert.deepEqual(world.asked, []);
});

Deno.test("a status that cannot be written is kept at once, each change of it too, and forgotten when it is written", async () => {
  const world = new WriterWorld();
  world.writer.mark();
  await world.answer(new LinkError("no route to host"));
  assert.equal(world.kept.get("u")?.phase, "Running");
  world.phase = "Succeeded";
  world.writer.mark();
  assert.equal(world.kept.get("u")?.phase, "Succeeded");
  assert.equal(world.asked.length, 1);
  await world.clock.advance(100);
  await world.answer();
  assert.deepEqual(world.asked, ["Running", "Succeeded"]);
  assert.equal(world.kept.size, 0);
});

Deno.test("a refusal is no reason to keep a status", async () => {
  const world = new WriterWorld();
  world.writer.mark();
  await world.answer(new ApiError("Forbidden", "not yours"));
  assert.equal(world.kept.size, 0);
});

Deno.test("an agent that starts meanwhile takes a pod as it was left, and reports it though nothing changes any more", async () => {
  const kept = new Map([["u", {
    phase: "Failed",
    conditions: [{ type: "Ready", status: "False" }],
  }]]);
  const world = new WriterWorld(kept as never);
  const theirs = { type: "DisruptionTarget", status: "True" };
  const stale = { type: "Ready", status: "True" };
  world.shown = {
    ...world.shown,
    status: { phase: "Running", conditions: [stale, theirs] } as never,
  };
  const seen = world.writer.withLastWritten(world.shown).status;
  assert.equal(seen.phase, "Failed");
  assert.deepEqual(seen.conditions, [{ type: "Ready", status: "False" }, theirs]);
  world.phase = "Failed";
  world.writer.mark();
  await world.answer();
  assert.deepEqual(world.asked, ["Failed"]);
  assert.equal(world.kept.size, 0);
  const later = { ...world.shown, metadata: { ...world.shown.metadata, resourceVersion: "9" } };
  assert.equal(world.writer.withLastWritten(later), later);
});

Deno.test("flush does not wait for an API that cannot be reached, when the status is kept", async () => {
  const world = new WriterWorld();
  const flush = world.writer.flush();
  await world.answer(new LinkError("no route to host"));
  await flush;
  assert.equal(world.kept.size, 1);
});

Deno.test("when the API answers again a status is written at once", async () => {
  const world = new WriterWorld();
  world.writer.mark();
  for (let failures = 0; failures < 10; failures++) {
    await world.answer(new LinkError("no route to host"));
    if (failures < 9) await world.clock.advance(30_000);
  }
  const before = world.asked.length;
  for (const restored of [...world.restored]) restored();
  await settled();
  assert.equal(world.asked.length, before + 1);
  await world.answer();
  assert.equal(world.restored.size, 0);
  assert.equal(world.clock.pending, 0);
});

/** The status of a pod whose container does not run yet. */
function creating(
  { podIP, containerID }: { podIP?: string; containerID?: string },
): Pod["status"] {
  return {
    phase: "Pending",
    ...(podIP && { podIP, podIPs: [{ ip: podIP }] }),
    conditions: [{ type: "PodReadyToStartContainers", status: podIP ? "True" : "False" }],
    containerStatuses: [{
      name: "main",
      image: "app:1",
      imageID: "",
      restartCount: 0,
      ready: false,
      state: { waiting: { reason: "ContainerCreating" } },
      lastState: {},
      started: false,
      ...(containerID && { containerID }),
    }],
  };
}

class WriterWorld {
  readonly clock = new VirtualClock();
  readonly asked: string[] = [];
  readonly writer: StatusWriter;
  phase: Pod["status"]["phase"] = "Running";
  /** The whole status, when not the phase alone counts. */
  status: Pod["status"] | undefined;
  shown = {
    metadata: { namespace: "default", name: "web", uid: "u", resourceVersion: "1" },
    status: { phase: "Unknown" },
  } as unknown as Pod; // only what the writer reads
  #version = 1;
  #pending: { pod: Pod; resolve(pod: Pod): void; reject(error: Error): void } | undefined;

  readonly restored = new Set<() => void>();

  constructor(readonly kept = new Map<string, Pod["status"]>()) {
    const updateStatus = (_: unknown, pod: Pod) => {
      const { phase, podIP, containerStatuses } = pod.status;
      const words = [phase, podIP, containerStatuses?.[0]?.containerID];
      this.asked.push(words.filter((word) => word !== undefined).join(" "));
      return new Promise<Pod>((resolve, reject) => this.#pending = { pod, resolve, reject });
    };
    this.writer = new StatusWriter({
      podUid: "u",
      podName: { namespace: "default", name: "web" },
      client: { updateStatus } as unknown as Pick<Client, "updateStatus">, // of pods alone
      view: { get: () => this.shown as never },
      clock: this.clock,
      log: silentLog(this.clock),
      keptStatuses: {
        get: (uid) => kept.get(uid),
        keep: (uid, status) => void kept.set(uid, status),
        forget: (uid) => void kept.delete(uid),
      },
      onRestored: (listener) => {
        this.restored.add(listener);
        return () => this.restored.delete(listener);
      },
      statusOf: (pod) => this.status ?? { ...pod.status, phase: this.phase },
    });
  }

  /** Answers the write in flight. */
  async answer(error?: Error): Promise<void> {
    await settled();
    const { pod, resolve, reject } = this.#pending!;
    const metadata = { ...pod.metadata, resourceVersion: String(++this.#version) };
    if (error) reject(error);
    else resolve({ ...pod, metadata });
    await settled();
  }
}
