import assert from "node:assert/strict";
import { eventually } from "../../eventually.ts";
import { isOver } from "../podman_cluster.ts";
import type { Manifest, ManifestCase } from "./manifest.ts";

/** Manifests of single pods: what their containers are given, and how they live. */
export const POD_CASES: readonly ManifestCase[] = [
  { name: "init-order", check: initOrder },
  { name: "waits-for-database", check: waitsForDatabase },
  { name: "home-assistant", check: homeAssistant },
  { name: "config-reload", check: configReload },
  { name: "projected", check: projected },
  { name: "downward-api", check: downwardApi },
  { name: "env-from", check: envFrom },
  { name: "hardened", check: hardened },
  { name: "limits", check: limits },
  { name: "lifecycle-hooks", check: lifecycleHooks },
  { name: "probes", check: probes },
  { name: "pod-network-names", check: podNetworkNames },
  { name: "shared-namespaces", check: sharedNamespaces },
  { name: "last-words", check: lastWords },
  { name: "crash-loop", check: crashLoop },
  { name: "debugged", check: debugged },
];

async function initOrder(applied: Manifest): Promise<void> {
  assert.equal(await applied.said("ordered"), "first\nsecond\nmain\n");
  const { status } = await applied.pod("ordered", isOver);
  const ends = status.initContainerStatuses!.map(({ state }) => state.terminated?.reason);
  assert.deepEqual(ends, ["Completed", "Completed"]);
}

async function waitsForDatabase(applied: Manifest): Promise<void> {
  const app = await applied.pod("app");
  const db = await applied.pod("db");
  const startedAt = app.status.containerStatuses![0]!.state.running!.startedAt!;
  assert.ok(startedAt >= db.status.containerStatuses![0]!.state.running!.startedAt!);
}

async function homeAssistant(applied: Manifest): Promise<void> {
  const broker = await applied.pod("broker");
  const { status } = await applied.pod("home-assistant");
  assert.equal(status.podIP, status.hostIP);
  await applied.says(
    "home-assistant",
    "busybox nslookup broker.home-assistant.svc.cluster.local",
    new RegExp(`Address.*: ${broker.status.podIP}`),
  );
  const file = `${applied.cluster.hostFolder}/home-assistant/started`;
  assert.match(await Deno.readTextFile(file), /20\d\d/);
}

async function configReload(applied: Manifest): Promise<void> {
  await applied.pod("reader");
  const patch = JSON.stringify({ data: { level: "debug" } });
  await applied.kubectl("patch", "configmap", "settings", "-p", patch);
  await applied.says("reader", "cat /settings/level; echo; echo $LEVEL", "debug\ninfo");
}

async function projected(applied: Manifest): Promise<void> {
  const [config, secret, labels, mode, size] = (await applied.said("all-in-one")).split("\n");
  assert.deepEqual([config, secret, labels, mode], [
    "from-config",
    "from-secret",
    'tier="1"',
    "400",
  ]);
  assert.ok(Number(size) > 200, "the token has a body");
}

async function downwardApi(applied: Manifest): Promise<void> {
  const { status } = await applied.pod("knows-itself");
  assert.equal(
    await applied.logs("knows-itself"),
    [
      "MY_ACCOUNT=default",
      "MY_COLOR=blue",
      "MY_CPU=250",
      `MY_IP=${status.podIP}`,
      "MY_MEMORY=32",
      "MY_NAME=knows-itself",
      "MY_URL=http://knows-itself:80/$(MY_NAME)",
      "",
    ].join("\n"),
  );
  await applied.kubectl("label", "pod", "knows-itself", "color=red", "--overwrite");
  await applied.says("knows-itself", "cat /info/labels", 'color="red"');
  assert.match(
    await applied.exec("knows-itself", "cat /info/annotations"),
    /^note="a \\"quoted\\" one"$/m,
  );
}

async function envFrom(applied: Manifest): Promise<void> {
  const lines = (await applied.said("env")).split("\n");
  for (const line of ["HOST=own", "SECRET_TOKEN=t0ken", "spring.datasource.url=jdbc:x"]) {
    assert.ok(lines.includes(line), `${line} in ${lines}`);
  }
}

async function hardened(applied: Manifest): Promise<void> {
  assert.deepEqual((await applied.said("hardened")).trim().split("\n"), [
    "10001",
    "10001 20001 30001",
    "read-only",
    "20001",
    "NoNewPrivs:\t1",
    "CapEff:\t0000000000000000",
  ]);
}

async function limits(applied: Manifest): Promise<void> {
  assert.equal(await applied.said("greedy", "neighbour"), "still here\n");
  const { status } = await applied.pod("greedy", isOver);
  const [greedy] = status.containerStatuses!.filter(({ name }) => name === "main");
  assert.deepEqual([greedy!.state.terminated!.reason, greedy!.state.terminated!.exitCode], [
    "OOMKilled",
    137,
  ]);
}

async function lifecycleHooks(applied: Manifest): Promise<void> {
  await applied.pod("hooked");
  await applied.kubectl("delete", "pod", "hooked", "--timeout=60s");
  const story = await Deno.readTextFile(`${applied.cluster.hostFolder}/lifecycle-hooks/story`);
  assert.deepEqual(story.trim().split("\n"), ["started", "stopping", "ended"]);
}

async function probes(applied: Manifest): Promise<void> {
  await applied.pod("probed");
  const addresses = async () => {
    const slices = await applied.list("discovery.k8s.io/v1/endpointslices");
    return slices.flatMap(({ endpoints = [] }) => endpoints)
      .filter(({ conditions }) => conditions.ready).length;
  };
  await eventually("it is an endpoint", async () => await addresses() === 1);
  await applied.exec("probed", "rm /tmp/ready");
  await eventually("it is none", async () => await addresses() === 0);
  await applied.exec("probed", "rm /tmp/alive");
  const again = await applied.pod(
    "probed",
    ({ status }) => status.containerStatuses![0]!.restartCount > 0,
  );
  assert.equal(again.status.containerStatuses![0]!.lastState.terminated!.exitCode !== 0, true);
  assert.match((await applied.events("probed")).join("\n"), /Unhealthy: Liveness probe failed/);
}

async function podNetworkNames(applied: Manifest): Promise<void> {
  const text = await applied.said("named");
  const own = "busy.boxes.pod-network-names.svc.cluster.local";
  const [name, ...lines] = text.split("\n");
  assert.equal(name, own);
  assert.ok(lines.includes("10.1.2.3\tfoo.remote\tbar.remote"), text);
  assert.ok(lines.some((line) => line.includes(`\t${own}\tbusy`)), text);
  assert.ok(
    lines.includes(
      "search pod-network-names.svc.cluster.local svc.cluster.local cluster.local example.internal",
    ) || lines.some((line) => line.startsWith("search pod-network-names.svc.cluster.local ")),
    text,
  );
  assert.ok(lines.includes("options ndots:2 edns0"), text);
}

async function sharedNamespaces(applied: Manifest): Promise<void> {
  await applied.pod("shared");
  const ask = ["exec", "shared", "-c", "shell", "--", "wget", "-qO-", "http://127.0.0.1/"];
  await eventually(
    "the other container answers",
    async () => (await applied.kubectl(...ask)) === "shared\n",
  );
}

async function lastWords(applied: Manifest): Promise<void> {
  const { status } = await applied.pod("last-words", isOver);
  const words = status.containerStatuses!.map(({ state }) => state.terminated!.message);
  assert.deepEqual(words, ["no config\n", "the disk is full\n"]);
}

async function crashLoop(applied: Manifest): Promise<void> {
  const { status } = await applied.pod("missing-program", isOver);
  const { reason, exitCode, message } = status.containerStatuses![0]!.state.terminated!;
  assert.deepEqual([reason, exitCode], ["StartError", 128]);
  assert.match(message!, /no such file or directory/);
  const waiting = (name: string, reason: string) =>
    applied.pod(name, (pod) => pod.status.containerStatuses?.[0]?.state.waiting?.reason === reason);
  await waiting("missing-image", "ErrImageNeverPull");
  await waiting("ends", "CrashLoopBackOff");
}

async function debugged(applied: Manifest): Promise<void> {
  await applied.pod("opaque");
  const image = ["--image=localhost/e2e:1", "--image-pull-policy=Never"];
  await applied.kubectl(
    "debug",
    "opaque",
    ...image,
    "--target=main",
    "-c",
    "look",
    "--",
    "sh",
    "-c",
    "ps; sleep 60",
  );
  await eventually(
    "it sees the processes of the pod",
    async () => /sleep 3600/.test(await applied.logs("opaque", "look")),
  );
}
