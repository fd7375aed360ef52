import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { readyAddresses } from "./endpoints.ts";
import { isReady, mainStatus, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";
import { SharedFolder, untilThere } from "./shared_folder.ts";
import { serviceOf } from "./web_app.ts";

/** Serves files that the test writes. */
const SERVE = "exec httpd -f -p 8080 -h /shared";
/** One failure is enough, and a slow answer is not a failure. */
const OFTEN = { periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 60 };
/** As many failures as it takes. */
const PATIENT = { ...OFTEN, failureThreshold: 1_000 };

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
  const folder = await SharedFolder.make(cluster, "readiness");
  const { volumeMounts, volumes } = folder;
  const httpGet = { path: "/ready", port: "web" };
  const ports = [{ name: "web", containerPort: 8080 }];
  const readinessProbe = { httpGet, ...OFTEN };
  await cluster.apply(
    podOf("readiness", {
      script: SERVE,
      container: { ports, volumeMounts, readinessProbe },
      spec: { volumes },
    }),
    serviceOf("readiness"),
  );
  const unready = await cluster.podWhen("readiness", ({ status }) => status.phase === "Running");
  assert.equal(isReady(unready), false);
  await hasEvent(cluster, "readiness", "Unhealthy", /Readiness probe failed: HTTP .*404/);
  assert.deepEqual(await readyAddresses(cluster, "readiness"), []);
  await folder.write("ready");
  const ready = await cluster.readyPod("readiness");
  await eventually("the pod is an endpoint", async () => {
    const [address] = await readyAddresses(cluster, "readiness");
    return address === ready.status.podIP;
  });
  await folder.remove("ready");
  const later = await cluster.podWhen("readiness", (pod) => !isReady(pod));
  await eventually(
    "the pod is no endpoint any more",
    async () => (await readyAddresses(cluster, "readiness")).length === 0,
  );
  assert.equal(mainStatus(later).restartCount, 0);
}

async function otherProbes(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "other-probes");
  const { volumeMounts, volumes } = folder;
  const asked = (probe: object) => ({ volumeMounts, readinessProbe: { ...probe, ...OFTEN } });
  await cluster.apply(
    podOf("ready-exec", {
      script: "sleep 1000",
      container: asked({ exec: { command: ["cat", "/shared/open"] } }),
      spec: { volumes },
    }),
    podOf("ready-tcp", {
      script: `${untilThere("open")}; exec httpd -f -p 8080`,
      container: asked({ tcpSocket: { port: 8080 } }),
      spec: { volumes },
    }),
  );
  await hasEvent(cluster, "ready-exec", "Unhealthy", /Readiness probe failed: cat: .*shared\/open/);
  await hasEvent(cluster, "ready-tcp", "Unhealthy", /Readiness probe failed: dial tcp .*refused/);
  await folder.write("open");
  assert.equal(mainStatus(await cluster.readyPod("ready-exec")).restartCount, 0);
  assert.equal(mainStatus(await cluster.readyPod("ready-tcp")).restartCount, 0);
}

async function liveness(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "liveness");
  const { volumeMounts, volumes } = folder;
  await folder.write("live");
  const httpGet = { path: "/live", port: 8080 };
  const startupProbe = { httpGet, ...PATIENT };
  const livenessProbe = { httpGet, ...OFTEN };
  await cluster.apply(podOf("liveness", {
    script: SERVE,
    container: { volumeMounts, startupProbe, livenessProbe },
    spec: { volumes },
  }));
  const first = mainStatus(await cluster.readyPod("liveness")).containerID;
  await folder.remove("live");
  await hasEvent(cluster, "liveness", "Killing", /Container main failed liveness probe/);
  await folder.write("live");
  const pod = await cluster.podWhen("liveness", (pod) => mainStatus(pod).restartCount > 0);
  assert.equal(mainStatus(pod).lastState.terminated?.containerID, first);
  await cluster.readyPod("liveness");
}

async function execLiveness(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "live-exec");
  const { volumeMounts, volumes } = folder;
  await folder.write("live");
  const livenessProbe = { exec: { command: ["cat", "/shared/live"] }, ...OFTEN };
  await cluster.apply(podOf("live-exec", {
    script: "sleep 1000",
    container: { volumeMounts, livenessProbe },
    spec: { volumes },
  }));
  assert.equal(mainStatus(await cluster.readyPod("live-exec")).restartCount, 0);
  await folder.remove("live");
  await cluster.podWhen("live-exec", (pod) => mainStatus(pod).restartCount > 0);
  await hasEvent(cluster, "live-exec", "Unhealthy", /Liveness probe failed: cat: .*shared\/live/);
  await cluster.delete("pod", "live-exec");
}

async function startup(cluster: PodmanCluster): Promise<void> {
  const folder = await SharedFolder.make(cluster, "startup");
  const { volumeMounts, volumes } = folder;
  const exec = { command: ["cat", "/shared/started"] };
  const livenessProbe = { exec, ...OFTEN };
  const startupProbe = { exec, ...PATIENT };
  const noStart = { exec: { command: ["cat", "/never"] }, ...OFTEN, failureThreshold: 2 };
  await cluster.apply(
    podOf("slow-start", {
      script: "sleep 1000",
      container: { volumeMounts, startupProbe, livenessProbe },
      spec: { volumes },
    }),
    podOf("no-start", { script: "sleep 1000", container: { startupProbe: noStart } }),
  );
  await hasEvent(cluster, "slow-start", "Unhealthy", /Startup probe failed: cat: .*started/);
  const waiting = (await cluster.pod("slow-start"))!;
  assert.deepEqual([mainStatus(waiting).started, mainStatus(waiting).ready], [false, false]);
  await folder.write("started");
  const started = await cluster.readyPod("slow-start");
  assert.deepEqual([mainStatus(started).started, mainStatus(started).restartCount], [true, 0]);
  await cluster.podWhen("no-start", (pod) => mainStatus(pod).restartCount > 0);
  await hasEvent(cluster, "no-start", "Killing", /Container main failed startup probe/);
  await cluster.delete("pod", "no-start");
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
