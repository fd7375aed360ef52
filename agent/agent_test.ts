import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { eventually } from "../tests/eventually.ts";
import { configMaps } from "../core/resources/core/config_maps.ts";
import { leases } from "../core/resources/coordination/leases.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../core/resources/core/pods/pods.ts";
import type { ProbeOutcome } from "./probes/probe_type.ts";
import { isReady, NodeUnderTest } from "./agent_fixture.ts";

Deno.test("a pod gets its network, runs and becomes ready in little more than its start", async () => {
  await using node = await NodeUnderTest.start();
  const startMs = node.clock.now();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  const status = node.pod("web")!.status;
  assert.equal(status.phase, "Running");
  assert.equal(status.podIP, "10.0.0.1");
  assert.equal(status.hostIP, "192.168.0.1");
  assert.equal(status.qosClass, "BestEffort");
  assert.equal(status.containerStatuses![0]!.state.running !== undefined, true);
  assert.match(status.containerStatuses![0]!.containerID!, /^simulated:\/\//);
  assert.ok(node.clock.now() - startMs < 150, `it took ${node.clock.now() - startMs} ms`);
  assert.deepEqual(node.reasons("web"), ["Pulled", "Created", "Started"]);
});

Deno.test("a pod whose network is taken away gets another, and its containers run anew in it", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  const { status: { podIP }, metadata: { uid } } = node.pod("web")!;
  node.network.lose(uid);
  await node.until(() => node.restarts("web") === 1 && isReady(node.pod("web")), 35_000);
  assert.notEqual(node.pod("web")!.status.podIP, podIP);
  assert.equal(node.network.addresses.size, 1);
  assert.equal(node.reasons("web").filter((reason) => reason === "SandboxChanged").length, 1);
});

Deno.test("a network that was taken away while the agent was not there is missed by the next", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.create({ name: "other" });
  await node.until(() => isReady(node.pod("web")) && isReady(node.pod("other")));
  const { status: { podIP }, metadata: { uid } } = node.pod("web")!;
  await node.halt();
  node.network.addresses.delete(uid);
  await node.restart();
  await node.until(() => node.restarts("web") === 1 && isReady(node.pod("web")), 35_000);
  assert.notEqual(node.pod("web")!.status.podIP, podIP);
  assert.equal(node.restarts("other"), 0);
  assert.deepEqual(node.reasons("other").filter((reason) => reason === "SandboxChanged"), []);
});

Deno.test("a killed container is back at once the first time, then after 10 s, then after 20 s", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  const restMs: number[] = [];
  for (const count of [1, 2, 3]) {
    const killedMs = node.clock.now();
    node.killAll(137);
    await node.until(() => node.restarts("web") === count && isReady(node.pod("web")), 30_000);
    restMs.push(Math.round((node.clock.now() - killedMs) / 1_000));
  }
  assert.deepEqual(restMs, [0, 10, 20]);
  const { lastState } = node.pod("web")!.status.containerStatuses![0]!;
  assert.equal(lastState.terminated?.exitCode, 137);
  assert.equal(lastState.terminated?.reason, "Error");
  assert.ok(node.reasons("web").includes("BackOff"));
});

Deno.test("a container that starts again at once is never shown in CrashLoopBackOff", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  const reasons = new Set<string | undefined>();
  node.client.subscribe(pods, () => reasons.add(node.waiting("web")?.reason));
  node.killAll(137);
  await node.until(() => node.restarts("web") === 1 && isReady(node.pod("web")));
  assert.ok(!reasons.has("CrashLoopBackOff"), [...reasons].join());
});

Deno.test("a container that crashes at once is shown in CrashLoopBackOff", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("crash", { runsMs: 5, exitCode: 3 });
  await node.create({ name: "web", image: "crash" });
  await node.until(() => node.waiting("web")?.reason === "CrashLoopBackOff");
  const { uid } = node.pod("web")!.metadata;
  assert.equal(
    node.waiting("web")!.message,
    `back-off 10s restarting failed container=main pod=web_default(${uid})`,
  );
  assert.equal(node.pod("web")!.status.phase, "Running");
  assert.equal(node.pod("web")!.status.containerStatuses![0]!.lastState.terminated?.exitCode, 3);
});

Deno.test("an exit that nobody told is found by the next list", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  const [container] = node.runtime.containers;
  node.runtime.kill(container!.id, 1, { isNotified: false });
  await node.until(() => node.restarts("web") === 1, 40_000);
});

Deno.test("a list that is older than a restart does not undo it", async () => {
  await using node = await NodeUnderTest.start({ listMs: 2_000 });
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")), 10_000);
  await node.clock.advance(node.startedMs + 33_000 - node.clock.now());
  node.killAll(137); // while the second list is on its way
  await node.until(() => node.restarts("web") === 1 && isReady(node.pod("web")), 500);
  let unready = 0;
  node.client.subscribe(pods, ({ object }) => isReady(object) || unready++);
  await node.clock.advance(20_000);
  assert.equal(unready, 0);
  assert.equal(node.restarts("web"), 1);
});

Deno.test("a deleted pod drains, ends, and only then goes from the API", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  const phases = new Set<string>();
  node.client.subscribe(pods, ({ object }) => phases.add(object.status.phase));
  const deletedMs = node.clock.now();
  await node.client.delete(pods, { namespace: "default", name: "web" });
  await node.until(() => node.runtime.containers.every(({ state }) => state === "exited"));
  assert.ok(node.clock.now() - deletedMs >= 2_000, "it was stopped before proxies could turn away");
  assert.notEqual(node.pod("web"), undefined);
  await node.until(() => node.pod("web") === undefined);
  assert.deepEqual(node.runtime.containers, []);
  assert.deepEqual(node.network.addresses.size, 0);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${node.folder}/pods`)), []);
  assert.ok(phases.has("Failed"), "its end was not reported: SIGTERM makes exit code 143");
});

Deno.test("a deleted pod is stopped once the proxy has no request for it any more", async () => {
  await using node = await NodeUnderTest.start();
  const drained = Promise.withResolvers<void>();
  node.untilDrained = () => drained.promise;
  await node.restart();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  await node.client.delete(pods, { namespace: "default", name: "web" });
  await node.settle(node.clock.advance(5_000));
  assert.equal(node.runtime.containers[0]?.state, "running", "it was stopped with a request");
  const drainedMs = node.clock.now();
  drained.resolve();
  await eventually("it is stopped", async () => {
    await node.clock.advance(10); // little by little: the agent's work may take real time
    return node.runtime.containers[0]?.state !== "running";
  });
  assert.ok(node.clock.now() - drainedMs < 500, "it was kept for as long as it may be");
  await node.until(() => node.pod("web") === undefined);
});

Deno.test("a proxy that is never done keeps a pod for 10 s of its grace, not longer", async () => {
  await using node = await NodeUnderTest.start();
  node.untilDrained = () => new Promise(() => {});
  await node.restart();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  const deletedMs = node.clock.now();
  await node.client.delete(pods, { namespace: "default", name: "web" });
  await node.until(() => node.runtime.containers[0]?.state !== "running", 30_000);
  assert.equal(Math.floor((node.clock.now() - deletedMs) / 1_000), 10);
  await node.until(() => node.pod("web") === undefined, 30_000);
});

Deno.test("a pod deleted by force is killed, though it does not heed SIGTERM", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("stubborn", { heedsSigterm: false });
  await node.create({ name: "web", image: "stubborn" });
  await node.until(() => isReady(node.pod("web")));
  await node.client.delete(pods, { namespace: "default", name: "web" });
  await node.until(() => node.reasons("web").includes("Killing"));
  const forcedMs = node.clock.now();
  await node.client.delete(pods, { namespace: "default", name: "web" }, { gracePeriodSeconds: 0 });
  await node.until(() => node.runtime.containers.length === 0);
  assert.ok(node.clock.now() - forcedMs < 3_000, "it kept its first grace of 30 s");
});

Deno.test("a finished pod gives back its network and never runs again", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("job", { runsMs: 1_000, exitCode: 0 });
  await node.create({ name: "job", image: "job", spec: { restartPolicy: "OnFailure" } });
  await node.until(() => node.pod("job")?.status.phase === "Succeeded");
  await node.until(() => node.network.addresses.size === 0);
  const conditions = node.pod("job")!.status.conditions!;
  assert.equal(conditions.find(({ type }) => type === "Ready")?.reason, "PodCompleted");
  await node.restart();
  await node.clock.advance(100_000);
  assert.equal(node.runtime.made.length, 1);
  assert.equal(node.pod("job")!.status.podIP, "10.0.0.1");
});

Deno.test("a pod over its deadline fails, and its containers are stopped", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "slow", spec: { activeDeadlineSeconds: 60 } });
  await node.until(() => isReady(node.pod("slow")));
  await node.until(() => node.pod("slow")?.status.phase === "Failed", 61_000);
  assert.equal(node.pod("slow")!.status.reason, "DeadlineExceeded");
  await node.until(() => node.runtime.containers.every(({ state }) => state === "exited"));
  assert.ok(node.reasons("slow").includes("DeadlineExceeded"));
});

Deno.test("an agent that restarts adopts what runs, and ends what nobody wants", async () => {
  await using node = await NodeUnderTest.start({
    probe: () => ({ result: "success", output: "" }),
  });
  const readinessProbe = { tcpSocket: { port: 80 } };
  await node.create({ name: "web", container: { readinessProbe } });
  await node.create({ name: "gone" });
  await node.until(() => isReady(node.pod("web")) && isReady(node.pod("gone")));
  await node.halt();
  const options = { gracePeriodSeconds: 0 };
  await node.client.delete(pods, { namespace: "default", name: "gone" }, options);
  const unready: Pod[] = [];
  node.client.subscribe(pods, ({ object }) => isReady(object) || unready.push(object));
  await node.restart();
  await node.until(() => node.runtime.containers.length === 1, 40_000);
  await node.clock.advance(60_000);
  assert.equal(node.restarts("web"), 0);
  assert.equal(node.runtime.made.length, 2);
  assert.deepEqual(unready.map(({ metadata }) => metadata.name), []);
});

Deno.test("a container whose start was in flight when the agent ended becomes ready with the next", async () => {
  await using node = await NodeUnderTest.start({ startMs: 3_000 });
  await node.create({ name: "web" });
  const status = () => node.pod("web")?.status.containerStatuses?.[0];
  await node.until(() => status()?.containerID !== undefined); // a start that takes long is told
  await node.halt();
  assert.notEqual(node.waiting("web"), undefined, "its start was told, which is another test");
  await node.restart();
  await node.until(() => isReady(node.pod("web")));
});

Deno.test("a container that ended while the agent was away is started again", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  await node.halt();
  node.killAll(1);
  await node.restart();
  await node.until(() => node.restarts("web") === 1 && isReady(node.pod("web")));
});

Deno.test("a pod whose ConfigMap is missing waits for it, and starts as soon as it is there", async () => {
  await using node = await NodeUnderTest.start();
  const envFrom = [{ configMapRef: { name: "settings" } }];
  await node.create({ name: "web", container: { envFrom } });
  await node.until(() => node.waiting("web")?.reason === "CreateContainerConfigError");
  assert.equal(node.waiting("web")!.message, 'configmap "settings" not found');
  const madeMs = node.clock.now();
  await node.client.create(configMaps, {
    metadata: { namespace: "default", name: "settings" },
    data: { COLOR: "blue" },
  });
  await node.until(() => isReady(node.pod("web")));
  assert.ok(node.clock.now() - madeMs < 1_000);
  assert.equal(node.runtime.made[0]!.env["COLOR"], "blue");
});

Deno.test("a ConfigMap that changes while its pod is prepared is shown as it is then", async () => {
  await using node = await NodeUnderTest.start();
  const metadata = { namespace: "default", name: "settings" };
  const settings = await node.client.create(configMaps, { metadata, data: { color: "blue" } });
  const wired = Promise.withResolvers<void>();
  const add = node.network.add.bind(node.network);
  node.network.add = (podUid) => wired.promise.then(() => add(podUid));
  const volumes = [{ name: "etc", configMap: { name: "settings" } }];
  await node.create({ name: "web", spec: { volumes } });
  const { uid } = node.pod("web")!.metadata;
  const file = `${node.folder}/pods/${uid}/volumes/kubernetes.io~configmap/etc/color`;
  await node.until(() => existsSync(file));
  await node.client.update(configMaps, { ...settings, data: { color: "red" } });
  wired.resolve();
  await node.until(() => isReady(node.pod("web")));
  await node.clock.advance(60_000);
  assert.equal(await Deno.readTextFile(file), "red");
});

Deno.test("an image that cannot be pulled is told, and tried again later", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("absent", { pullFault: "manifest unknown" });
  await node.create({ name: "web", image: "absent" });
  await node.until(() => node.waiting("web")?.reason === "ErrImagePull");
  await node.until(() => node.waiting("web")?.reason === "ImagePullBackOff", 2_000);
  assert.equal(
    node.waiting("web")!.message,
    'Back-off pulling image "absent": ErrImagePull: manifest unknown',
  );
  assert.equal(node.pod("web")!.status.phase, "Pending");
  node.runtime.images.delete("absent");
  await node.until(() => isReady(node.pod("web")), 11_000);
});

Deno.test("a pod whose image is corrected does not wait for the back-off of the wrong one", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("absent", { pullFault: "manifest unknown" });
  node.runtime.images.set("crash", { runsMs: 5, exitCode: 3 });
  await node.create({ name: "typo", image: "absent" });
  await node.create({ name: "bug", image: "crash" });
  await node.until(() => node.waiting("typo")?.reason === "ImagePullBackOff");
  await node.until(() => node.waiting("bug")?.reason === "CrashLoopBackOff");
  for (const name of ["typo", "bug"]) await node.setImage(name, "app:2");
  await node.until(() => isReady(node.pod("typo")) && isReady(node.pod("bug")), 1_000);
  const [status] = node.pod("bug")!.status.containerStatuses!;
  assert.equal(status!.imageID, "sha256:app:2", "its image was not looked for");
});

Deno.test("an agent that restarts shows the start of what runs as it was shown", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  const startedAt = () => node.pod("web")!.status.containerStatuses![0]!.state.running?.startedAt;
  const before = startedAt();
  await node.halt();
  const { containers } = node.runtime;
  const earlier = containers.map((run) => ({ ...run, startedAtMs: run.startedAtMs! - 900 }));
  node.runtime.list = () => Promise.resolve(earlier); // as the runtime measured it
  await node.restart();
  await node.clock.advance(60_000);
  assert.equal(startedAt(), before);
});

Deno.test("an image that was changed while the agent was away is run by the next", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  await node.halt();
  await node.setImage("web", "app:2");
  await node.restart();
  await node.until(() => node.restarts("web") === 1 && isReady(node.pod("web")));
  assert.equal(node.runtime.made.at(-1)!.image, "app:2");
});

Deno.test("a container that cannot be started says why", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("broken", { startFault: 'exec: "nope": executable file not found' });
  await node.create({ name: "web", image: "broken" });
  await node.until(() => node.waiting("web")?.reason === "RunContainerError");
  const [status] = node.pod("web")!.status.containerStatuses!;
  assert.equal(status!.lastState.terminated?.reason, "StartError");
  await node.until(() => node.restarts("web") === 1, 11_000);
});

Deno.test("a pod that is to run once and cannot be started has failed, with the cause", async () => {
  await using node = await NodeUnderTest.start();
  node.runtime.images.set("broken", { startFault: 'exec: "nope": executable file not found' });
  await node.create({ name: "web", image: "broken", spec: { restartPolicy: "Never" } });
  await node.until(() => node.pod("web")!.status.phase === "Failed");
  const [status] = node.pod("web")!.status.containerStatuses!;
  assert.equal(status!.state.terminated?.reason, "StartError");
  assert.match(status!.state.terminated?.message ?? "", /executable file not found/);
  await node.restart();
  assert.equal(node.pod("web")!.status.containerStatuses![0]!.state.terminated?.exitCode, 128);
});

Deno.test("the termination message that come from the log are the program's, without the marks of the runtime", async () => {
  await using node = await NodeUnderTest.start();
  const terminationMessagePolicy = "FallbackToLogsOnError";
  const spec = { restartPolicy: "Never" };
  await node.create({ name: "job", container: { terminationMessagePolicy }, spec });
  await node.until(() => isReady(node.pod("job")));
  const lines = Array.from(
    { length: 100 },
    (_, index) =>
      `2026-01-01T00:00:00.123456789+00:00 ${index % 2 ? "stderr" : "stdout"} F line ${index}\n`,
  );
  await Deno.writeTextFile(node.runtime.made[0]!.logPath, lines.join(""));
  node.killAll(1);
  await node.until(() => node.pod("job")!.status.phase === "Failed");
  const [status] = node.pod("job")!.status.containerStatuses!;
  const words = Array.from({ length: 80 }, (_, index) => `line ${index + 20}\n`);
  assert.equal(status!.state.terminated!.message, words.join(""));
});

Deno.test("a failed liveness probe restarts its container; a failed readiness probe does not", async () => {
  let answer: ProbeOutcome = { result: "success", output: "" };
  await using node = await NodeUnderTest.start({ probe: () => answer });
  const probe = { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 2 };
  await node.create({ name: "ready", container: { readinessProbe: probe } });
  await node.create({ name: "alive", container: { livenessProbe: probe } });
  await node.until(() => isReady(node.pod("ready")) && isReady(node.pod("alive")));
  answer = { result: "failure", output: "HTTP probe failed with statuscode: 500" };
  await node.until(() => !isReady(node.pod("ready")), 5_000);
  await node.until(() => node.restarts("alive") === 1, 5_000);
  assert.equal(node.restarts("ready"), 0);
  const messages = node.notices.map(({ message }) => message);
  assert.ok(messages.includes("Liveness probe failed: HTTP probe failed with statuscode: 500"));
  assert.ok(messages.includes("Readiness probe failed: HTTP probe failed with statuscode: 500"));
  assert.ok(messages.includes("Container main failed liveness probe, will be restarted"));
});

Deno.test("a probe that cannot be asked says why, once a period, and decides nothing", async () => {
  const answer: ProbeOutcome = {
    result: "error",
    output: 'strconv.Atoi: parsing "htpp": invalid syntax',
  };
  await using node = await NodeUnderTest.start({ probe: () => answer });
  const readinessProbe = { httpGet: { port: "htpp" }, periodSeconds: 5 };
  await node.create({ name: "web", container: { readinessProbe } });
  await node.until(() => node.waiting("web") === undefined && node.reasons("web").length > 0);
  await node.clock.advance(12_000);
  assert.equal(isReady(node.pod("web")), false);
  assert.deepEqual(
    node.notices.filter(({ reason }) => reason === "Unhealthy").map(({ message }) => message),
    Array.from(
      { length: 2 },
      () => "Readiness probe errored and resulted in unknown state: " + answer.output,
    ),
  );
});

Deno.test("at most four containers start at once, and all pods come up", async () => {
  await using node = await NodeUnderTest.start();
  const names = Array.from({ length: 12 }, (_, index) => `web-${index}`);
  for (const name of names) await node.create({ name });
  await node.until(() => names.every((name) => isReady(node.pod(name))));
  assert.equal(node.runtime.startingMax, 4);
});

Deno.test("a runtime that is down makes the node unready, and nothing is lost", async () => {
  await using node = await NodeUnderTest.start();
  await node.until(() => node.nodeReady() === "True");
  node.runtime.isDown = true;
  await node.until(() => node.nodeReady() === "False", 60_000);
  await node.create({ name: "web" });
  await node.clock.advance(5_000);
  node.runtime.isDown = false;
  await node.until(() => isReady(node.pod("web")) && node.nodeReady() === "True", 60_000);
});

Deno.test("a log that cannot be rotated does not make the node unready", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  const { logPath } = node.runtime.made[0]!;
  await Deno.remove(logPath).catch(() => {});
  await Deno.mkdir(logPath); // no second name can be given to it, as on a full disk
  await node.settle(node.clock.sleep(40_000));
  assert.equal(node.nodeReady(), "True");
});

Deno.test("an idle node renews its lease, and writes nothing else", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  await node.clock.advance(40_000);
  const changes: string[] = [];
  node.client.subscribe(pods, () => changes.push("pod"));
  node.client.subscribe(nodes, () => changes.push("node"));
  node.client.subscribe(leases, () => changes.push("lease"));
  await node.clock.advance(600_000);
  assert.deepEqual(new Set(changes), new Set(["lease"]));
  assert.ok(changes.length >= 59 && changes.length <= 61, `${changes.length} renewals`);
});

Deno.test("a log that is followed from when its container has ended, and nobody has looked, ends", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  node.killAll(0);
  await node.settle(Array.fromAsync(node.followLog("web")));
});

Deno.test("a log that is followed ends with its container when the notice of that got lost", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  const lines = Array.fromAsync(node.followLog("web"));
  node.runtime.kill(node.runtime.containers[0]!.id, 0, { isNotified: false });
  await node.settle(lines);
});

Deno.test("stopAll ends all containers, and the pods run again with the next agent", async () => {
  await using node = await NodeUnderTest.start();
  await node.create({ name: "web" });
  await node.until(() => isReady(node.pod("web")));
  const agent = node.agent;
  await node.halt();
  await node.settle(agent.stopAll(new AbortController().signal));
  assert.deepEqual(node.runtime.containers, []);
  assert.equal(node.network.addresses.size, 0);
  await node.restart();
  await node.until(() => node.restarts("web") === 1 && isReady(node.pod("web")));
});

Deno.test("stopAll tries again what fails, and what cannot be ended keeps nothing else", async () => {
  await using node = await NodeUnderTest.start();
  for (const name of ["web", "busy", "stuck"]) await node.create({ name });
  await node.until(() => ["web", "busy", "stuck"].every((name) => isReady(node.pod(name))));
  const [busy, stuck] = ["busy", "stuck"].map((name) => {
    return node.runtime.containers.find((each) => each.podUid === node.pod(name)!.metadata.uid)!.id;
  });
  const { agent, runtime } = node;
  const stop = runtime.stop.bind(runtime);
  let failures = 0;
  runtime.stop = async (id, graceMs) => {
    if (id === stuck || id === busy && failures++ === 0) throw new Error("a file did not come");
    await stop(id, graceMs);
  };
  await node.halt();
  const stopped = agent.stopAll(new AbortController().signal);
  await assert.rejects(node.settle(stopped), /a file did not come/);
  assert.deepEqual(runtime.containers.map(({ id, state }) => [id, state]), [[stuck, "running"]]);
  assert.deepEqual([...node.network.addresses.keys()], [node.pod("stuck")!.metadata.uid]);
});
