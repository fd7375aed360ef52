import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { Service } from "../../core/resources/core/services/services.ts";
import { eventually } from "../eventually.ts";
import { AgentProcess, nodeKubeconfig } from "./agent_process.ts";
import { readyAddresses } from "./endpoints.ts";
import { isReady, mainStatus, podOf, podSpecOf } from "./podman_cluster.ts";
import { SecondMachine } from "./second_machine.ts";
import { SharedFolder } from "./shared_folder.ts";
import { testSteps } from "./steps.ts";
import { EDGE, HERE, TwoMachines, twoMachinesMissing } from "./two_machines.ts";
import { serviceOf } from "./web_app.ts";

const SUBNET = 140;
const THIRD_SUBNET = 143;
const REPLICAS = 4;
const CUT_MS = 60_000;
/** Answers with its host name. */
const SERVE = "mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www";

testSteps({
  name: "two machines, each with its own Podman",
  missing: twoMachinesMissing(),
  start: () => TwoMachines.start(SUBNET),
  steps: [
    { name: "another machine that joins is given other addresses", run: joinTogether },
    { name: "a Deployment is spread over both, and becomes ready", run: spread },
    { name: "pods and Services are reached from both machines", run: reached },
    { name: "a link that is cut for 60 s: pods go on, requests go elsewhere", run: cutLink },
    { name: "kill -9 of the agent: its containers go on and are adopted", run: killAgent },
    { name: "the machine reboots: its pods come back", run: reboot },
  ],
});

async function joinTogether(both: TwoMachines): Promise<void> {
  const { cluster } = both;
  const third = await SecondMachine.start(THIRD_SUBNET);
  const folder = await Deno.makeTempDir({ prefix: "coracle-e2e-" });
  const join = async (name: string) =>
    await AgentProcess.start(third, [
      ...["--server", cluster.server.address],
      ...["--kubeconfig", await nodeKubeconfig(cluster.server, name)],
      ...["--node", name, "--data", `${folder}/${name}`, "--runtime", "process", "--stop-pods"],
      ...["--service-cidr", `10.197.${SUBNET}.0/24`, "--gateway-address", third.ip],
    ]);
  try {
    const agents = await Promise.all(["one", "two"].map(join));
    const ranges = await cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[*].spec.podCIDR}");
    assert.equal(new Set(ranges.split(" ")).size, 4, ranges);
    for (const agent of agents) assert.equal(await agent.stop(), 0, agent.log);
  } finally {
    await third.halt();
    await Deno.remove(folder, { recursive: true });
    await cluster.delete("node", "one", "two");
  }
}

async function spread(both: TwoMachines): Promise<void> {
  const { cluster } = both;
  await both.nodeIs("True");
  const folder = await SharedFolder.make(cluster, "probed");
  const { volumeMounts, volumes } = folder;
  const command = ["sh", "-c", "echo $HOSTNAME >> /shared/probed; wget -q -O - localhost:8080"];
  const readinessProbe = { exec: { command }, periodSeconds: 1, timeoutSeconds: 60 };
  const labels = { app: "web" };
  const spec = podSpecOf({
    script: SERVE,
    container: { volumeMounts, readinessProbe },
    spec: { volumes },
  });
  await cluster.apply({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: REPLICAS,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec },
    },
  }, serviceOf("web"));
  await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s");
  const byNode = Map.groupBy(await cluster.pods("app=web"), ({ spec }) => spec.nodeName);
  assert.deepEqual([byNode.get(EDGE)?.length, byNode.get(HERE)?.length], [2, 2]);
}

async function reached(both: TwoMachines): Promise<void> {
  const { cluster } = both;
  const pods = await cluster.pods("app=web");
  const ip = await clusterIP(both);
  const asked = pods.map(({ status }) => `wget -q -O - http://${status.podIP}:8080/`);
  const shared = `i=0; while [ $i -lt 8 ]; do wget -q -O - http://${ip}/; i=$((i+1)); done`;
  const names = pods.map(({ metadata: { name } }) => name).sort();
  for (const node of [HERE, EDGE]) {
    const script = `set -e; exec > /dev/termination-log 2>&1; ${asked.join("; ")}; ${shared}`;
    const said = await saidOn(both, node, script);
    const [direct, balanced] = [said.slice(0, REPLICAS), said.slice(REPLICAS)];
    assert.deepEqual(direct.sort(), names, `from a pod on ${node}`);
    assert.deepEqual([...new Set(balanced)].sort(), names, `from a pod on ${node}, by the Service`);
  }
  await eventually("all answer this machine by the Service", () => answering(ip, names.length));
  for (const pod of pods) await both.machine.run("busybox", "wget", "-q", "-O", "-", urlOf(pod));
}

async function cutLink(both: TwoMachines): Promise<void> {
  const { cluster, machine } = both;
  const [before, ip] = [await containersOf(both), await clusterIP(both)];
  const ids = await both.containerIds();
  const [here, there] = [await podsOn(both, HERE), await podsOn(both, EDGE)];
  const cutAtMs = performance.now();
  await machine.cut();
  const node = await both.nodeIs("Unknown");
  const ready = node.status.conditions!.find(({ type }) => type === "Ready")!;
  assert.equal(ready.reason, "NodeStatusUnknown");
  await eventually("the node is tainted", async () => {
    const { spec: { taints = [] } } = await both.node();
    return taints.filter(({ key }) => key === "node.kubernetes.io/unreachable").length === 2;
  });
  const addresses = (pods: Pod[]) => pods.map(({ status }) => status.podIP!).sort();
  await eventually("the endpoints are those of this machine", async () => {
    const now = (await readyAddresses(cluster, "web")).sort();
    return now.join() === addresses(here).join();
  });
  for (let i = 0; i < 2 * REPLICAS; i++) assert.match(await textAt(`http://${ip}/`), /^web-/);
  await goesOn(both, there);
  const restMs = CUT_MS - (performance.now() - cutAtMs);
  await new Promise((resolve) => setTimeout(resolve, restMs)); // what is tested is its length
  assert.deepEqual(await both.containerIds(), ids);
  await machine.mend();
  await both.nodeIs("True");
  await eventually("all are endpoints again", async () => {
    return (await readyAddresses(cluster, "web")).length === REPLICAS;
  });
  assert.deepEqual(await containersOf(both), before);
  assert.deepEqual(await both.containerIds(), ids);
  await eventually("all answer again", () => answering(ip, REPLICAS));
}

async function killAgent(both: TwoMachines): Promise<void> {
  const [before, ids] = [await containersOf(both), await both.containerIds()];
  const [victim] = await podsOn(both, EDGE);
  await both.agent.kill();
  assert.deepEqual(await both.containerIds(), ids);
  await both.startAgent();
  await both.nodeIs("True");
  await goesOn(both, await podsOn(both, EDGE));
  assert.deepEqual(await containersOf(both), before);
  assert.deepEqual(await both.containerIds(), ids);
  await killAgentAndContainer(both, victim!);
}

/** What exits while no agent runs is restarted by the next one. */
async function killAgentAndContainer(both: TwoMachines, victim: Pod): Promise<void> {
  await both.agent.kill();
  {
    using podman = both.openPodman();
    const id = mainStatus(victim).containerID!.replace("podman://", "");
    await podman.client.send("POST", `/containers/${id}/kill`, { query: { signal: "KILL" } });
  }
  await both.startAgent();
  const { name } = victim.metadata;
  await both.cluster.podWhen(name, (pod) => isReady(pod) && mainStatus(pod).restartCount === 1);
}

async function reboot(both: TwoMachines): Promise<void> {
  const { cluster } = both;
  const before = await cluster.pods("app=web");
  const counts = new Map(before.map((pod) => [pod.metadata.uid, mainStatus(pod).restartCount]));
  await both.reboot();
  await both.startAgent();
  for (const { metadata: { uid, name }, spec: { nodeName } } of before) {
    const wanted = counts.get(uid)! + (nodeName === EDGE ? 1 : 0);
    const pod = await cluster.podWhen(
      name,
      (pod) => isReady(pod) && mainStatus(pod).restartCount === wanted,
    );
    assert.equal(pod.metadata.uid, uid);
  }
  assert.equal((await cluster.pods("app=web")).length, REPLICAS);
  assert.equal((await both.containerIds()).length, (await podsOn(both, EDGE)).length);
  await both.nodeIs("True");
  const ip = await clusterIP(both);
  await eventually("all answer", () => answering(ip, REPLICAS));
}

/** The termination message, in lines, of a pod on a node that runs a script once. */
async function saidOn({ cluster }: TwoMachines, node: string, script: string): Promise<string[]> {
  const nodeSelector = { "kubernetes.io/hostname": node };
  const name = `caller-${node}`;
  await cluster.apply(podOf(name, { script, spec: { restartPolicy: "Never", nodeSelector } }));
  const pod = await cluster.podWhen(name, ({ status }) => /^(Succ|Fail)/.test(status.phase));
  const { exitCode, message = "" } = mainStatus(pod).state.terminated!;
  assert.equal(exitCode, 0, message);
  await cluster.delete("pod", name);
  return message.trim().split("\n");
}

/** Its pods' probes are asked again and again from now on. */
async function goesOn({ cluster }: TwoMachines, pods: readonly Pod[]): Promise<void> {
  const path = `${cluster.hostFolder}/shared-probed/probed`;
  const countNow = async () => {
    const lines = (await Deno.readTextFile(path)).split("\n");
    return pods.map(({ metadata: { name } }) => lines.filter((line) => line === name).length);
  };
  const before = await countNow();
  await eventually("the probes go on", async () => {
    return (await countNow()).every((count, i) => count > before[i]! + 1);
  });
}

/** Pods with what identifies their runs. */
async function containersOf({ cluster }: TwoMachines): Promise<string[]> {
  return (await cluster.pods("app=web")).map((pod) => {
    const { containerID, restartCount, state } = mainStatus(pod);
    return [pod.metadata.uid, pod.status.podIP, containerID, restartCount, state.running?.startedAt]
      .join();
  }).sort();
}

async function podsOn({ cluster }: TwoMachines, node: string): Promise<Pod[]> {
  return (await cluster.pods("app=web")).filter(({ spec }) => spec.nodeName === node);
}

async function clusterIP({ cluster }: TwoMachines): Promise<string> {
  return (await cluster.get<Service>("/api/v1/namespaces/default/services/web"))!.spec.clusterIP!;
}

/** Whether this many pods answer at an address. */
async function answering(ip: string, count: number): Promise<boolean> {
  const names = new Set<string>();
  for (let i = 0; i < 4 * count; i++) names.add(await textAt(`http://${ip}/`));
  return names.size === count;
}

async function textAt(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) });
  return (await answer.text()).trim();
}

function urlOf({ status }: Pod): string {
  return `http://${status.podIP}:8080/`;
}
