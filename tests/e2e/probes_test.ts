import assert from "node:assert/strict";
import type { EndpointSlice } from "../../core/resources/endpoint_slices.ts";
import { eventually } from "../eventually.ts";
import { isReady, mainStatus, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";
import { serviceOf } from "./web_app.ts";

/** Serves the files of the folder that the test writes. */
const SERVE = "exec httpd -f -p 8080 -h /www";
const OFTEN = { periodSeconds: 1, failureThreshold: 1 };

testOnPodman({
  name: "probes on Podman, seen from outside",
  subnet: 104,
  stepsAtOnce: 4,
  steps: [
    { name: "readiness by HTTP puts the pod into its endpoints and out of them", run: readiness },
    { name: "readiness by a command and by TCP", run: otherProbes },
    { name: "liveness by HTTP restarts the container", run: liveness },
    { name: "liveness by a command restarts the container", run: execLiveness },
    { name: "a startup probe holds the others back, and ends what never starts", run: startup },
  ],
});

async function readiness(cluster: PodmanCluster): Promise<void> {
  const folder = await wwwFolder(cluster, "readiness");
  const httpGet = { path: "/ready", port: "web" };
  await cluster.apply(
    podOf("readiness", {
      script: SERVE,
      container: {
        ...{ ports: [{ name: "web", containerPort: 8080 }], volumeMounts: [WWW] },
        readinessProbe: { httpGet, ...OFTEN },
      },
      spec: { volumes: [volumeOf(folder)] },
    }),
    serviceOf("readiness"),
  );
  const unready = await cluster.podWhen("readiness", ({ status }) => status.phase === "Running");
  assert.equal(isReady(unready), false);
  await hasEvent(cluster, "readiness", "Unhealthy", /Readiness probe failed: HTTP .*404/);
  assert.deepEqual(await readyAddresses(cluster, "readiness"), []);
  await Deno.writeTextFile(`${folder}/ready`, "yes");
  const ready = await cluster.readyPod("readiness");
  await eventually("the pod is an endpoint", async () => {
    const [address] = await readyAddresses(cluster, "readiness");
    return address === ready.status.podIP;
  });
  await Deno.remove(`${folder}/ready`);
  const later = await cluster.podWhen("readiness", (pod) => !isReady(pod));
  await eventually(
    "the pod is no endpoint any more",
    async () => (await readyAddresses(cluster, "readiness")).length === 0,
  );
  assert.equal(mainStatus(later).restartCount, 0);
}

async function otherProbes(cluster: PodmanCluster): Promise<void> {
  const gate = await wwwFolder(cluster, "other-probes");
  const spec = { volumes: [volumeOf(gate)] };
  const gated = (readinessProbe: object) => ({
    ...{ volumeMounts: [WWW], readinessProbe: { ...readinessProbe, ...OFTEN } },
  });
  await cluster.apply(
    podOf("ready-exec", {
      script: "sleep 1000",
      container: gated({ exec: { command: ["cat", "/www/open"] } }),
      spec,
    }),
    podOf("ready-tcp", {
      script: "until [ -e /www/open ]; do sleep 0.1; done; exec httpd -f -p 8080",
      container: gated({ tcpSocket: { port: 8080 } }),
      spec,
    }),
  );
  await hasEvent(cluster, "ready-exec", "Unhealthy", /Readiness probe failed: cat: .*\/www\/open/);
  await hasEvent(cluster, "ready-tcp", "Unhealthy", /Readiness probe failed: dial tcp .*refused/);
  await Deno.writeTextFile(`${gate}/open`, "");
  assert.equal(mainStatus(await cluster.readyPod("ready-exec")).restartCount, 0);
  assert.equal(mainStatus(await cluster.readyPod("ready-tcp")).restartCount, 0);
}

async function liveness(cluster: PodmanCluster): Promise<void> {
  const folder = await wwwFolder(cluster, "liveness");
  await Deno.writeTextFile(`${folder}/live`, "yes");
  const httpGet = { path: "/live", port: 8080 };
  await cluster.apply(podOf("liveness", {
    script: SERVE,
    container: {
      volumeMounts: [WWW],
      livenessProbe: { httpGet, ...OFTEN, initialDelaySeconds: 1 },
    },
    spec: { volumes: [volumeOf(folder)] },
  }));
  const first = mainStatus(await cluster.readyPod("liveness")).containerID;
  await Deno.remove(`${folder}/live`);
  await hasEvent(cluster, "liveness", "Killing", /Container main failed liveness probe/);
  await Deno.writeTextFile(`${folder}/live`, "yes");
  const pod = await cluster.podWhen("liveness", (pod) => mainStatus(pod).restartCount > 0);
  assert.equal(mainStatus(pod).lastState.terminated?.containerID, first);
  await cluster.readyPod("liveness");
}

async function execLiveness(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("live-exec", {
    script: "touch /tmp/live; sleep 1; rm /tmp/live; sleep 1000",
    container: { livenessProbe: { exec: { command: ["cat", "/tmp/live"] }, ...OFTEN } },
  }));
  await cluster.podWhen("live-exec", (pod) => mainStatus(pod).restartCount > 0);
  await hasEvent(cluster, "live-exec", "Unhealthy", /Liveness probe failed: cat: .*\/tmp\/live/);
  await cluster.delete("pod", "live-exec");
}

async function startup(cluster: PodmanCluster): Promise<void> {
  const liveNever = { exec: { command: ["cat", "/tmp/started"] }, ...OFTEN };
  const startupProbe = (failureThreshold: number) => ({ ...liveNever, failureThreshold });
  await cluster.apply(
    podOf("slow-start", {
      script: "sleep 2; touch /tmp/started; sleep 1000",
      container: { startupProbe: startupProbe(30), livenessProbe: liveNever },
    }),
    podOf("no-start", { script: "sleep 1000", container: { startupProbe: startupProbe(2) } }),
  );
  const waiting = await cluster.podWhen("slow-start", ({ status }) => status.phase === "Running");
  assert.deepEqual([mainStatus(waiting).started, mainStatus(waiting).ready], [false, false]);
  const started = await cluster.readyPod("slow-start");
  assert.deepEqual([mainStatus(started).started, mainStatus(started).restartCount], [true, 0]);
  await cluster.podWhen("no-start", (pod) => mainStatus(pod).restartCount > 0);
  await hasEvent(cluster, "no-start", "Killing", /Container main failed startup probe/);
  await cluster.delete("pod", "no-start");
}

const WWW = { name: "www", mountPath: "/www" };

function volumeOf(path: string): object {
  return { name: "www", hostPath: { path, type: "Directory" } };
}

async function wwwFolder({ dataFolder }: PodmanCluster, name: string): Promise<string> {
  const path = `${dataFolder}/www-${name}`;
  await Deno.mkdir(path);
  return path;
}

async function hasEvent(
  cluster: PodmanCluster,
  pod: string,
  reason: string,
  message: RegExp,
): Promise<void> {
  await eventually(`an event ${reason} of pod ${pod}: ${message}`, async () => {
    const events = await cluster.events(pod);
    const isThere = events.some((event) =>
      event.reason === reason && message.test(event.message ?? "")
    );
    if (!isThere) {
      throw new Error(JSON.stringify(events.map(({ reason, message }) => [reason, message])));
    }
    return true;
  });
}

async function readyAddresses(cluster: PodmanCluster, service: string): Promise<string[]> {
  const path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=" +
    encodeURIComponent(`kubernetes.io/service-name=${service}`);
  const list = await cluster.get<{ items: EndpointSlice[] }>(path);
  return (list?.items ?? []).flatMap(({ endpoints }) =>
    endpoints.filter(({ conditions }) => conditions.ready).map(({ addresses }) => addresses[0]!)
  );
}
