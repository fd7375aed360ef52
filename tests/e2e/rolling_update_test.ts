import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { eventually } from "../eventually.ts";
import { Connection, PacedLoad } from "../paced_load.ts";
import { isReady, mainStatus, type PodmanCluster, testOnPodman } from "./podman_cluster.ts";
import { freePort, gatewayOn, routeTo, webApp } from "./web_app.ts";

const REPLICAS = 3;
const PER_SECOND = 500;
/** How often the server is killed during an update, each time a little later in it; `KILLS=40` for more. */
const KILLS = Number(Deno.env.get("KILLS") ?? 1);
const LATER_MS = 70;
/** The version before the first update that is interrupted by a kill. */
const BEFORE_KILLS = 2;
const port = freePort();

testOnPodman({
  name: "a rolling update loses no request",
  subnet: 102,
  steps: [
    { name: "the application comes up", run: bringUp },
    { name: "a rolling update under 500 requests/s loses none", run: updateUnderLoad },
    { name: "pods that are deleted under 500 requests/s lose none", run: deleteUnderLoad },
    ...Array.from({ length: KILLS }, (_, kill) => ({
      name: `kill -9 of the server in the middle of an update: it completes (${kill + 1})`,
      run: (cluster: PodmanCluster) => killInUpdate(cluster, kill),
    })),
    { name: "SIGTERM of the server leaves the pods as they are", run: stopAndStart },
  ],
});

async function bringUp(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(...app("v1"), gatewayOn(port), routeTo({ web: 1 }));
  await rolledOut(cluster);
  await eventually("the gateway answers", async () => await ask() === "v1");
}

async function updateUnderLoad(cluster: PodmanCluster): Promise<void> {
  const load = new PacedLoad({ port, perSecond: PER_SECOND });
  await eventually("the load runs", () => load.sent > PER_SECOND / 2);
  await cluster.apply(...app("v2"));
  await rolledOut(cluster);
  await onlyNewPods(cluster, "v2");
  const { sent, answers, failures } = await load.stop();
  assert.deepEqual(failures, [], cluster.server.log);
  const [first = 0, second = 0] = [answers.get("v1"), answers.get("v2")];
  assert.equal(first + second, sent);
  assert.ok(first > 0 && second > 0, `${first} and ${second}`);
}

async function deleteUnderLoad(cluster: PodmanCluster): Promise<void> {
  const load = new PacedLoad({ port, perSecond: PER_SECOND });
  const [first, second] = await cluster.pods("app=web");
  await cluster.delete("pod", first!.metadata.name, second!.metadata.name);
  await rolledOut(cluster);
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
}

async function killInUpdate(cluster: PodmanCluster, kill: number): Promise<void> {
  const [from, to] = [`v${BEFORE_KILLS + kill}`, `v${BEFORE_KILLS + kill + 1}`];
  await cluster.apply(...app(to));
  await eventually("one new pod is ready, and not all", async () => {
    const versions = await readyVersions(cluster);
    return versions.includes(from) && versions.includes(to);
  });
  await new SystemClock().sleep(kill * LATER_MS);
  const before = await runningContainers(cluster);
  await cluster.server.kill();
  await assert.rejects(ask(), "The gateway answers though the server is dead");
  cluster.server = await cluster.server.restart();
  const answer = await ask();
  assert.ok(answer === from || answer === to, `${answer}, though it said that it is ready`);
  const load = new PacedLoad({ port, perSecond: PER_SECOND / 5 });
  await rolledOut(cluster);
  await onlyNewPods(cluster, to);
  assert.deepEqual((await load.stop()).failures, []);
  for (const pod of await cluster.pods("app=web")) {
    const { containerID, restartCount } = mainStatus(pod);
    assert.equal(restartCount, 0, pod.metadata.name);
    const known = before.get(pod.metadata.name);
    if (known !== undefined) assert.equal(containerID, known);
  }
}

async function stopAndStart(cluster: PodmanCluster): Promise<void> {
  const before = await runningContainers(cluster);
  const pids = await containerPids(cluster);
  assert.equal(before.size, REPLICAS);
  assert.equal(await cluster.server.stop(), 0);
  assert.deepEqual(pids.filter(isGone), [], "Containers ended with the server");
  cluster.server = await cluster.server.restart();
  assert.equal(await ask(), `v${BEFORE_KILLS + KILLS}`, "It said that it is ready");
  await eventually("all are ready", async () => (await readyVersions(cluster)).length === REPLICAS);
  assert.deepEqual(await runningContainers(cluster), before);
  assert.deepEqual(await containerPids(cluster), pids);
}

function app(version: string): object[] {
  return webApp({ name: "web", version, replicas: REPLICAS });
}

async function rolledOut(cluster: PodmanCluster): Promise<void> {
  await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=180s");
}

async function ask(): Promise<string> {
  const connection = await Connection.open({ port });
  try {
    return await connection.ask("/", { isLast: true });
  } finally {
    connection.close();
  }
}

async function onlyNewPods(cluster: PodmanCluster, version: string): Promise<void> {
  await eventually(`only pods of ${version} are there`, async () => {
    const all = await cluster.pods("app=web");
    return all.length === REPLICAS && all.every((pod) => versionOf(pod) === version);
  });
}

async function readyVersions(cluster: PodmanCluster): Promise<string[]> {
  return (await cluster.pods("app=web")).filter(isReady).map(versionOf);
}

function versionOf({ spec }: Parameters<typeof isReady>[0]): string {
  return spec.containers[0]!.env!.find(({ name }) => name === "VERSION")!.value!;
}

/** Container ids by the names of their pods. */
async function runningContainers(cluster: PodmanCluster): Promise<Map<string, string>> {
  const running = (await cluster.pods("app=web")).filter(isReady);
  return new Map(running.map((pod) => [pod.metadata.name, mainStatus(pod).containerID!]));
}

/** The pids of the first processes of all containers, by Podman. */
async function containerPids(cluster: PodmanCluster): Promise<number[]> {
  const list = await cluster.podman.json<{ Pid: number }[]>("GET", "/containers/json");
  return list.map(({ Pid }) => Pid).sort((a, b) => a - b);
}

function isGone(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return false;
  } catch {
    return true; // no such process
  }
}
