import assert from "node:assert/strict";
import { LABEL } from "../../agent/runtimes/podman/container_create.ts";
import type { Service } from "../../core/resources/core/services/services.ts";
import { eventually } from "../eventually.ts";
import { mainStatus, podOf, podSpecOf } from "./podman_cluster.ts";
import { testSteps } from "./steps.ts";
import { EDGE, TwoMachines, twoMachinesMissing } from "./two_machines.ts";

const SUBNET = 146;
const DNS = `10.197.${SUBNET}.10`;
const ON_EDGE = { nodeSelector: { "kubernetes.io/hostname": EDGE } };
/** Answers with what its volumes, its variables and its init container have given it. */
const SERVE = `mkdir /www; cat /config/text /secret/word /info/name /shared/made > /www/index.html
echo $WORD >> /www/index.html
test -s /var/run/secrets/kubernetes.io/serviceaccount/token || exit 1
echo started; exec httpd -f -p 8080 -h /www`;

testSteps({
  name: "a node without its server",
  missing: twoMachinesMissing(),
  start: () => TwoMachines.start(SUBNET),
  steps: [
    { name: "its pods run", run: begin },
    { name: "kill -9 of the agent and no server: the same containers go on", run: killAgent },
    { name: "a reboot and no server: its pods are back, with all that they had", run: reboot },
    {
      name: "another one: restarts are counted on, also those that nobody was told of",
      run: again,
    },
    { name: "the server hears afterwards what happened", run: reported },
  ],
});

async function begin(both: TwoMachines): Promise<void> {
  const { cluster } = both;
  await both.nodeIs("True");
  const named = (kind: string, rest: object) => ({ apiVersion: "v1", kind, ...rest });
  await cluster.apply(
    named("ConfigMap", { metadata: { name: "app" }, data: { text: "config\n" } }),
    named("Secret", { metadata: { name: "app" }, stringData: { word: "hunter2\n" } }),
    named("Service", {
      metadata: { name: "web" },
      spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
    }),
    podOf("web", { script: SERVE, container: CONTAINER, spec: { ...ON_EDGE, ...SPEC } }),
    podOf("once", { script: "echo done", spec: { restartPolicy: "Never", ...ON_EDGE } }),
    podOf("cut-short", { script: "sleep 100000", spec: { restartPolicy: "Never", ...ON_EDGE } }),
    podOf("crashes", { script: "echo crash; sleep 1; exit 3", spec: ON_EDGE }),
    podOf("deleted", { script: "sleep 100000", spec: ON_EDGE }),
  );
  await cluster.readyPod("web");
  for (const name of ["cut-short", "deleted"]) await cluster.readyPod(name);
  await cluster.podWhen("once", ({ status }) => status.phase === "Succeeded");
  await cluster.podWhen("crashes", (pod) => mainStatus(pod).restartCount > 0);
  await cluster.delete("pod", "deleted");
  await serves(both);
}

const CONTAINER = {
  env: [{ name: "WORD", valueFrom: { secretKeyRef: { name: "app", key: "word" } } }],
  readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
  volumeMounts: ["config", "secret", "info", "shared"].map((name) => ({
    name,
    mountPath: `/${name}`,
  })),
};
const SPEC = {
  initContainers: [{
    ...(podSpecOf({ script: "echo made > /shared/made" }) as { containers: object[] })
      .containers[0],
    name: "init",
    volumeMounts: [{ name: "shared", mountPath: "/shared" }],
  }],
  volumes: [
    { name: "config", configMap: { name: "app" } },
    { name: "secret", secret: { secretName: "app" } },
    {
      name: "info",
      downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] },
    },
    { name: "shared", emptyDir: { medium: "Memory" } },
  ],
};
const PAGE = "config\nhunter2\nwebmade\nhunter2\n";

async function killAgent(both: TwoMachines): Promise<void> {
  const before = await containersOf(both);
  await both.agent.kill();
  await both.machine.cut();
  await both.startAgent();
  await serves(both);
  const after = await containersOf(both);
  const idsOf = (containers: readonly Container[]) =>
    containers.filter(({ pod }) => pod !== "crashes").map(({ id }) => id).sort();
  assert.deepEqual(idsOf(after), idsOf(before));
}

async function reboot(both: TwoMachines): Promise<void> {
  await both.reboot();
  await both.machine.cut();
  await both.startAgent();
  await serves(both);
  const running = (await containersOf(both)).filter(({ state }) => state === "running");
  const pods = running.map(({ pod }) => pod);
  assert.ok(pods.includes("web"));
  for (const name of ["once", "cut-short", "deleted"]) assert.ok(!pods.includes(name), name);
  const path = `${both.folder}/pods`;
  const logs = await both.machine.run("sh", "-c", `cat ${path}/*/logs/main/*.log || find ${path}`);
  assert.match(logs, /started/);
}

/** The agent ends with the machine, before it has told anybody of the restart. */
async function again(both: TwoMachines): Promise<void> {
  await both.reboot();
  await both.machine.cut();
  await both.startAgent();
  await serves(both);
}

async function reported(both: TwoMachines): Promise<void> {
  const { cluster, machine } = both;
  const before = await containersOf(both);
  await machine.mend();
  await both.nodeIs("True");
  const web = await cluster.podWhen("web", (pod) => mainStatus(pod).restartCount === 2);
  await cluster.readyPod("web");
  assert.equal(web.status.initContainerStatuses?.[0]?.state.terminated?.exitCode, 0);
  await cluster.podWhen("cut-short", ({ status }) => status.phase === "Failed");
  const once = (await cluster.pod("once"))!;
  assert.equal(once.status.phase, "Succeeded");
  assert.equal(mainStatus(once).restartCount, 0);
  assert.equal(await cluster.pod("deleted"), undefined);
  const runs = (containers: readonly Container[]) =>
    containers.filter(({ pod, state }) => pod === "web" && state === "running").map(({ id }) => id);
  assert.deepEqual(runs(await containersOf(both)), runs(before), "nothing was restarted");
}

/** By its address, by its Service and by its name. */
async function serves(both: TwoMachines): Promise<void> {
  const { cluster, machine } = both;
  const { podIP } = (await cluster.pod("web"))!.status;
  const service = await cluster.get<Service>("/api/v1/namespaces/default/services/web");
  const { clusterIP } = service!.spec;
  await eventually("the pod answers", async () => await fetched(both, `${podIP}:8080`) === PAGE);
  await eventually("its Service answers", async () => await fetched(both, clusterIP!) === PAGE);
  const lookup = await machine.run("busybox", "nslookup", "web.default.svc.cluster.local", DNS);
  assert.match(lookup, new RegExp(clusterIP!.replaceAll(".", "\\.")));
}

async function fetched({ machine }: TwoMachines, address: string): Promise<string | undefined> {
  return await machine.run("busybox", "wget", "-qO-", `http://${address}/`).catch(() => undefined);
}

interface Container {
  id: string;
  pod: string;
  state: string;
}

/** What the second machine's Podman has, running or not. */
async function containersOf(both: TwoMachines): Promise<Container[]> {
  using podman = both.openPodman();
  const query = { all: "true" };
  const list = await podman.client.json<Listed[]>("GET", "/containers/json", { query });
  return list.map(({ Id: id, State: state, Labels }) => ({
    id,
    state,
    pod: Labels[LABEL.podName]!,
  }));
}

interface Listed {
  Id: string;
  State: string;
  Labels: Record<string, string>;
}
