import assert from "node:assert/strict";
import { pods } from "../core/resources/core/pods/pods.ts";
import { isReady, NodeUnderTest } from "./agent_fixture.ts";

const SIDE_A = { name: "side-a", image: "side:1", restartPolicy: "Always" };
const SIDE_B = { name: "side-b", image: "side:1", restartPolicy: "Always" };
const INIT = { name: "init", image: "init:1" };

Deno.test("what was initialized is not initialized again by another agent", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("init:1", { runsMs: 200 });
  const spec = { initContainers: [INIT, SIDE_A, { ...INIT, name: "next" }] };
  await node.create({ name: "web", spec });
  await node.until(() => runningNames(node).includes("side-a"));
  await node.restart();
  await node.until(() => isReady(node.pod("web")));
  const made = node.runtime.made.map(({ name, restartCount }) => `${name} ${restartCount}`);
  assert.deepEqual(made, ["init 0", "side-a 0", "next 0", "main 0"]);
  await node.restart();
  node.runtime.kill(node.runtime.containers.find(({ name }) => name === "main")!.id, 1);
  await node.until(() => node.restarts("web") === 1 && isReady(node.pod("web")));
  assert.deepEqual(node.runtime.made.slice(4).map(({ name }) => name), ["main"]);
});

Deno.test("in another network a pod begins anew, and its init containers run before all else", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("init:1", { runsMs: 200 });
  await node.create({ name: "web", spec: { initContainers: [INIT, SIDE_A] } });
  await node.until(() => isReady(node.pod("web")));
  const before = node.runtime.made.length;
  node.network.lose(node.pod("web")!.metadata.uid);
  await node.until(() => node.restarts("web") === 1 && isReady(node.pod("web")), 60_000);
  const made = node.runtime.made.slice(before).map(({ name }) => name);
  assert.deepEqual(made, ["init", "side-a", "main"]);
  assert.equal(node.pod("web")!.status.initContainerStatuses![0]!.restartCount, 1);
});

Deno.test("after a reboot a pod begins anew, too", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("init:1", { runsMs: 200 });
  await node.create({ name: "web", spec: { initContainers: [INIT] } });
  await node.until(() => isReady(node.pod("web")));
  const before = node.runtime.made.length;
  await node.halt();
  node.network.addresses.clear();
  for (const { id, state } of node.runtime.containers) {
    if (state === "running") node.runtime.kill(id, 255);
  }
  await node.restart();
  await node.until(() => node.restarts("web") === 1 && isReady(node.pod("web")), 60_000);
  assert.deepEqual(node.runtime.made.slice(before).map(({ name }) => name), ["init", "main"]);
});

Deno.test("what the containers of a pod share goes when they have ended, also when that fails first", async () => {
  await using node = await NodeUnderTest.start();
  const { runtime } = node;
  const spec = { shareProcessNamespace: true, restartPolicy: "Never" };
  await node.create({ name: "web", spec });
  await node.create({ name: "other", spec });
  await node.create({ name: "own" });
  await node.until(() => ["web", "other", "own"].every((name) => isReady(node.pod(name))));
  assert.equal(runtime.sharing.size, 2);
  const release = runtime.releasePod.bind(runtime);
  let failures = 0;
  runtime.releasePod = async (podUid) => {
    if (failures++ < 2) throw new Error("not now");
    await release(podUid);
  };
  const { uid } = node.pod("web")!.metadata;
  runtime.kill(runtime.containers.find(({ podUid }) => podUid === uid)!.id, 0); // it has finished, and stays
  await node.until(() => !runtime.sharing.has(uid), 60_000);
  assert.ok(failures > 2 && node.pod("web")!.status.phase === "Succeeded");
  await node.client.delete(pods, { namespace: "default", name: "other" });
  await node.until(() => runtime.sharing.size === 0, 60_000);
});

Deno.test("what the containers of a pod share goes with all pods of a node", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web", spec: { shareProcessNamespace: true } });
  await node.until(() => isReady(node.pod("web")));
  const { agent, runtime } = node;
  await node.halt();
  assert.equal(runtime.sharing.size, 1);
  await node.settle(agent.stopAll(new AbortController().signal));
  assert.equal(runtime.sharing.size, 0);
});

Deno.test("sidecars end after the main containers, the last one first", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("slow:1", { heedsSigterm: false });
  const spec = { initContainers: [SIDE_A, SIDE_B], terminationGracePeriodSeconds: 20 };
  await node.create({ name: "web", image: "slow:1", spec });
  await node.until(() => isReady(node.pod("web")));
  const ends: string[] = [];
  node.runtime.onExit((id) => ends.push(`${id.split("_")[1]} ${node.clock.now() - askedMs}`));
  const askedMs = node.clock.now();
  await node.client.delete(pods, { namespace: "default", name: "web" });
  await node.settle(node.clock.sleep(5_000));
  assert.equal(ends.length, 0);
  node.runtime.kill(node.runtime.containers.find(({ name }) => name === "main")!.id, 0);
  await node.until(() => node.pod("web") === undefined, 60_000);
  assert.deepEqual(ends.map((end) => end.split(" ")[0]), ["main", "side-b", "side-a"]);
  const [mainMs, ...sideMs] = ends.map((end) => Number(end.split(" ")[1]));
  for (const ms of sideMs) assert.ok(ms - mainMs! < 100, `${ends}`);
});

Deno.test("a sidecar is not kept waiting beyond its pod's grace", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("slow:1", { heedsSigterm: false });
  const stuck = { ...SIDE_A, image: "slow:1" };
  const spec = { initContainers: [stuck], terminationGracePeriodSeconds: 10 };
  await node.create({ name: "web", image: "slow:1", spec });
  await node.until(() => isReady(node.pod("web")));
  const askedMs = node.clock.now();
  await node.client.delete(pods, { namespace: "default", name: "web" });
  await node.until(() => node.pod("web") === undefined, 60_000);
  assert.ok(node.clock.now() - askedMs < 15_000, `${node.clock.now() - askedMs}`);
});

Deno.test("a pod completes when its main containers do, and its sidecars are ended", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("job:1", { runsMs: 1_000 });
  const spec = { restartPolicy: "Never", initContainers: [SIDE_A] };
  await node.create({ name: "job", image: "job:1", spec });
  await node.until(() => node.pod("job")!.status.phase === "Succeeded");
  const [side] = node.pod("job")!.status.initContainerStatuses!;
  assert.equal(side!.state.terminated?.exitCode, 143);
  await node.until(() => runningNames(node).length === 0);
  await node.restart();
  await node.until(() => node.nodeReady() === "True");
  assert.equal(node.runtime.made.length, 2);
});

Deno.test("a pod that is deleted while it is initialized starts nothing more", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web", spec: { initContainers: [INIT] } });
  await node.until(() => runningNames(node).includes("init"));
  await node.client.delete(pods, { namespace: "default", name: "web" });
  await node.until(() => node.pod("web") === undefined, 60_000);
  assert.deepEqual(node.runtime.made.map(({ name }) => name), ["init"]);
  assert.deepEqual(node.runtime.containers, []);
});

Deno.test("a container does not count as running before its hook is done", async () => {
  await using node = await NodeUnderTest.start();
  const lifecycle = { postStart: { sleep: { seconds: 10 } } };
  await node.create({ name: "web", container: { lifecycle } });
  await node.until(() => runningNames(node).includes("main"));
  const startedMs = node.clock.now();
  await node.settle(node.clock.sleep(9_000));
  assert.equal(node.waiting("web")?.reason, "ContainerCreating");
  await node.until(() => isReady(node.pod("web")));
  assert.ok(node.clock.now() - startedMs >= 10_000);
});

Deno.test("a container whose hook fails after its start is ended, and starts again", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.execResult = { exitCode: 3, output: "secret" };
  const lifecycle = { postStart: { exec: { command: ["false"] } } };
  await node.create({ name: "web", container: { lifecycle } });
  await node.until(() => node.waiting("web")?.reason === "PostStartHookError");
  assert.match(
    node.waiting("web")?.message ?? "",
    /^Exec lifecycle hook \(\[false\]\) for Container/,
  );
  await node.until(() => node.waiting("web")?.reason === "CrashLoopBackOff", 20_000);
  const notices = node.notices.map(({ reason, message }) => `${reason}: ${message}`);
  assert.ok(notices.includes("FailedPostStartHook: PostStartHook failed"));
  assert.ok(notices.includes("Killing: FailedPostStartHook"));
  assert.equal(notices.some((notice) => notice.includes("secret")), false);
  assert.equal(node.pod("web")!.status.containerStatuses![0]!.lastState.terminated?.exitCode, 143);
});

Deno.test("a pod that is deleted while a hook runs does not wait for the hook", async () => {
  await using node = await NodeUnderTest.start();
  const lifecycle = { postStart: { sleep: { seconds: 20 } } };
  await node.create({ name: "web", container: { lifecycle } });
  await node.until(() => runningNames(node).includes("main"));
  const askedMs = node.clock.now();
  await node.client.delete(pods, { namespace: "default", name: "web" });
  await node.until(() => node.pod("web") === undefined, 60_000);
  assert.ok(node.clock.now() - askedMs < 5_000);
});

Deno.test("a hook before the end is part of the grace, and does not take all of it", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("stuck:1", { heedsSigterm: false });
  const stopsAfter = async (seconds: number, image: string) => {
    const lifecycle = { preStop: { sleep: { seconds } } };
    const spec = { terminationGracePeriodSeconds: 10 };
    await node.create({ name: "web", image, container: { lifecycle }, spec });
    await node.until(() => runningNames(node).includes("main") && isReady(node.pod("web")));
    const askedMs = node.clock.now();
    await node.client.delete(pods, { namespace: "default", name: "web" });
    await node.until(() => node.pod("web") === undefined, 60_000);
    return node.clock.now() - askedMs;
  };
  const drainMs = 2_000; // proxies get this from the grace of a pod that was ready
  const short = await stopsAfter(3, "app:1");
  assert.ok(short >= 3_000 && short < 3_500 + drainMs, `${short}`);
  const stuck = await stopsAfter(3, "stuck:1");
  assert.ok(stuck >= 10_000 && stuck < 11_000, `${stuck}`);
  const all = await stopsAfter(10, "stuck:1");
  assert.ok(all >= 12_000 - drainMs && all < 13_000, `${all}`);
  assert.equal(node.notices.some(({ reason }) => reason === "FailedPreStopHook"), false);
});

Deno.test("a hook that fails before the end keeps nothing from ending, and is told of", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.execResult = { exitCode: 1, output: "" };
  const lifecycle = { preStop: { exec: { command: ["false"] } } };
  await node.create({ name: "web", container: { lifecycle } });
  await node.until(() => isReady(node.pod("web")));
  await node.client.delete(pods, { namespace: "default", name: "web" });
  await node.until(() => node.pod("web") === undefined, 60_000);
  const hooks = node.notices.filter(({ reason }) => reason === "FailedPreStopHook");
  assert.deepEqual(hooks.map(({ message }) => message), ["PreStopHook failed"]);
});

function runningNames({ runtime }: NodeUnderTest): string[] {
  return runtime.containers.filter(({ state }) => state === "running").map(({ name }) => name);
}
