import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { containerStatusOf, durationText, statusChangeMs } from "./container_status.ts";
import { containersOf } from "../../core/resources/core/pods/spec/pod_containers.ts";
import { deleted, NOW_MS, observedOf, podOf, run } from "./next_step_fixture.ts";
import type { Failure, ObservedPod } from "./runs/observed_pod.ts";
import { podStatusOf } from "./pod_status.ts";

const START = "2025-12-31T23:59:00Z";
const TERMINATED = { terminated: { exitCode: 3, reason: "Error", containerID: "podman://old" } };

Deno.test("durations are texts as Go's", () => {
  const texts = [0, 10_000, 59_000, 60_000, 80_000, 300_000, 160_499].map(durationText);
  assert.deepEqual(texts, ["0s", "10s", "59s", "1m0s", "1m20s", "5m0s", "2m40s"]);
});

Deno.test("the status changes by itself when a failed pull has been shown for a second", () => {
  const at = (failure: Partial<Failure>) =>
    observedOf({ memories: { main: { failure: failureOf(failure) } } });
  assert.equal(statusChangeMs(at({ stage: "pull", atMs: 500 }), 600), 1_500);
  assert.equal(statusChangeMs(at({ stage: "pull", atMs: 500 }), 1_500), Infinity);
  assert.equal(statusChangeMs(at({ stage: "run", atMs: 500 }), 600), Infinity);
  assert.equal(statusChangeMs(observedOf(), 0), Infinity);
});

Deno.test("a finished pod keeps what its status says of containers that are gone", () => {
  const status = { ...statusOf(TERMINATED), ready: false };
  const finished = podOf({ status: { phase: "Failed", containerStatuses: [status] } });
  assert.equal(shown(finished, observedOf()), status);
  const still = shown(finished, observedOf({ containers: [run(4, "exited", { exitCode: 7 })] }));
  assert.equal(still.state.terminated?.exitCode, 7);
  const running = podOf({ status: { phase: "Running", containerStatuses: [status] } });
  assert.notEqual(shown(running, observedOf()), status);
});

Deno.test("a container without a run is created, lost, or on its way", () => {
  const waiting = { waiting: { reason: "ContainerCreating" } };
  assert.deepEqual(shown(podOf(), observedOf()).state, waiting);
  const lost = shown(deleted(), observedOf()).state.terminated;
  assert.deepEqual([lost?.reason, lost?.exitCode], ["ContainerStatusUnknown", 137]);
  const busy = observedOf({ busy: { main: { do: "start" } } });
  assert.deepEqual(shown(deleted(), busy).state, waiting);
  const overdue = observedOf({ overdueMs: 0 });
  assert.equal(shown(podOf(), overdue).state.terminated?.reason, "ContainerStatusUnknown");
});

Deno.test("an ended container waits in its back-off, and shows its end when it starts again at once", () => {
  const ended = run(1, "exited", { exitCode: 3, endedMs: NOW_MS - 1_000, signal: 0 });
  const resting = observedOf({
    containers: [ended],
    memories: { main: { backoff: { waitMs: 20_000, sinceMs: NOW_MS - 30_000 } } },
  });
  const status = shown(podOf(), resting);
  assert.equal(status.state.waiting?.reason, "CrashLoopBackOff");
  assert.match(
    status.state.waiting?.message ?? "",
    /^back-off 20s restarting failed container=main/,
  );
  assert.equal(status.lastState.terminated?.exitCode, 3);
  const over = observedOf({
    ...resting,
    memories: { main: { backoff: { waitMs: 1_000, sinceMs: 0 } } },
  });
  const due = shown(podOf(), over);
  assert.deepEqual([due.state.terminated?.exitCode, due.state.terminated?.signal], [3, undefined]);
  assert.deepEqual(due.lastState, {});
  assert.equal(shown(deleted(), resting).state.terminated?.exitCode, 3, "it does not start again");
  const killed = observedOf({ containers: [run(0, "exited", { signal: 9 })] });
  assert.equal(shown(podOf(), killed).state.terminated?.signal, 9);
  const { exitCode: _, ...unknown } = run(0, "exited");
  const clean = shown(podOf(), observedOf({ containers: [unknown] })).state.terminated;
  assert.deepEqual([clean?.exitCode, clean?.reason], [0, "Completed"]);
});

Deno.test("a run that could not be started is a StartError: of the last state while another try follows", () => {
  const failed = observedOf({
    containers: [run(0, "created")],
    memories: { main: { failure: failureOf({ stage: "run", retryAtMs: NOW_MS + 9_000 }) } },
  });
  const again = shown(podOf(), failed);
  assert.deepEqual(again.state, { waiting: { reason: "RunContainerError", message: "no" } });
  assert.equal(again.lastState.terminated?.reason, "StartError");
  const never = shown(podOf({ spec: { restartPolicy: "Never" } }), failed);
  assert.deepEqual(never.state.terminated, {
    exitCode: 128,
    reason: "StartError",
    message: "no",
    startedAt: "1970-01-01T00:00:00Z",
    finishedAt: START,
  });
  assert.deepEqual(never.lastState, {});
  const created = { ...failed, memories: { main: { failure: failureOf({ stage: "create" }) } } };
  assert.deepEqual(shown(podOf(), created).lastState, {});
});

Deno.test("the last state is that of the run before: from the runtime, else from the status", () => {
  const runs = observedOf({
    containers: [run(2, "running"), run(0, "exited", { exitCode: 8 }), run(1, "created")],
  });
  assert.equal(shown(podOf(), runs).lastState.terminated?.exitCode, 8);
  const only = observedOf({ containers: [run(2, "running")] });
  const before = (restartCount: number, state: object, lastState: object = {}) =>
    podOf({
      status: { containerStatuses: [{ ...statusOf(state), restartCount, lastState }] },
    });
  const codeOf = (pod: Pod) => shown(pod, only).lastState.terminated?.exitCode;
  assert.equal(codeOf(before(1, TERMINATED)), 3);
  assert.equal(codeOf(before(1, { running: {} }, TERMINATED)), 3);
  assert.equal(codeOf(before(2, { running: {} }, TERMINATED)), 3);
  assert.equal(codeOf(before(2, TERMINATED)), undefined);
});

Deno.test("the phase, the address and the conditions of a pod follow from all its containers", () => {
  const containers = ["a", "b"].map((name) => ({ name, image: "app:1", resources: {} }));
  const whole = (spec: object, observed: Partial<ObservedPod>) =>
    podStatusOf(inputOf(podOf({ spec: { containers, ...spec } }), observedOf(observed)));
  const ends = [run(0, "exited", { name: "a", exitCode: 0 }), run(0, "exited", { name: "b" })];
  const failed = whole({ restartPolicy: "Never" }, { containers: ends });
  assert.equal(failed.phase, "Failed");
  const ready = failed.conditions?.find(({ type }) => type === "ContainersReady");
  assert.equal(ready?.reason, "PodFailed");
  const one = [ends[0]!, run(0, "running", { name: "b" })];
  assert.equal(whole({ restartPolicy: "Never" }, { containers: one }).phase, "Running");
  assert.equal(whole({ hostNetwork: true }, {}).podIP, "192.0.2.1");
  const starting = { containers: [ends[0]!], busy: { b: { do: "start" } } };
  const going = podStatusOf(
    inputOf(deleted(30, podOf({ spec: { containers } })), observedOf(starting)),
  );
  assert.equal(going.phase, "Pending");
  const names = whole({ containers: containers.toReversed() }, {}).containerStatuses;
  assert.deepEqual(names?.map(({ name }) => name), ["a", "b"]);
  const released = whole({}, { sandbox: { state: "released" }, containers: one });
  const sandbox = released.conditions?.find(({ type }) => type === "PodReadyToStartContainers");
  assert.equal(sandbox?.status, "False");
});

function shown(pod: Pod, observed: ObservedPod) {
  return containerStatusOf(containersOf(pod.spec).at(-1)!, inputOf(pod, observed));
}

function inputOf(pod: Pod, observed: ObservedPod) {
  const node = { hostIP: "192.0.2.1", runtimeName: "podman" };
  return { pod, observed, nowMs: NOW_MS, elapsedMs: NOW_MS, node };
}

function statusOf(state: object) {
  return {
    name: "main",
    containerID: "podman://old",
    restartCount: 4,
    image: "app:1",
    imageID: "i",
    ready: false,
    started: false,
    state,
    lastState: {},
  };
}

function failureOf(change: Partial<Failure>): Failure {
  return {
    stage: "run",
    reason: "RunContainerError",
    message: "no",
    atMs: 0,
    time: START,
    failures: 1,
    retryAtMs: 0,
    ...change,
  };
}
