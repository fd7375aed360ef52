import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { IMAGE, mainStatus, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";

/** Serves its volumes to the test. */
const SERVE = "exec httpd -f -p 8080 -h /volumes";

testOnPodman({
  name: "volumes on Podman, seen from outside",
  subnet: 105,
  stepsAtOnce: 3,
  steps: [
    { name: "files of ConfigMaps and Secrets follow them while the pod runs", run: projections },
    { name: "files have the modes and paths that were asked for", run: modes },
    { name: "a pod reaches the API with the token of its account", run: apiAccess },
    { name: "an emptyDir is shared by containers and outlives their restarts", run: emptyDir },
    { name: "an emptyDir in memory has the size that was asked for", run: memoryDir },
    { name: "hostPath: types are checked, folders are made, read-only is", run: hostPath },
    { name: "a subPath is one file or folder of a volume", run: subPath },
  ],
});

async function projections(cluster: PodmanCluster): Promise<void> {
  const config = (color: string) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "colors" },
    data: { color, [`only-${color}`]: "x" },
  });
  const secret = (key: string) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "keys" },
    stringData: { key },
  });
  await cluster.apply(
    config("red"),
    secret("one"),
    podOf("projections", {
      script: SERVE,
      container: {
        volumeMounts: [
          { name: "config", mountPath: "/volumes/config" },
          { name: "secret", mountPath: "/volumes/secret", readOnly: true },
        ],
      },
      spec: {
        volumes: [
          { name: "config", configMap: { name: "colors" } },
          { name: "secret", secret: { secretName: "keys" } },
        ],
      },
    }),
  );
  const pod = await cluster.readyPod("projections");
  const file = (path: string) => fileOf(pod.status.podIP!, path);
  await eventually("the first files", async () => await file("config/color") === "red");
  assert.equal(await file("secret/key"), "one");
  await cluster.apply(config("blue"), secret("two"));
  await eventually(
    "the new files",
    async () => await file("config/color") === "blue" && await file("secret/key") === "two",
  );
  assert.equal(await file("config/only-blue"), "x");
  assert.equal(await file("config/only-red"), undefined, "A key that is gone left its file");
  assert.equal(mainStatus((await cluster.pod("projections"))!).restartCount, 0);
}

async function modes(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "modes" },
      data: { a: "1", b: "2" },
      binaryData: { c: "/wA=" },
    },
    podOf("modes", {
      script: "cd /m; stat -L -c '%a %s %n' one deep/c; touch x 2>/dev/null || echo read-only",
      container: {
        volumeMounts: [{ name: "m", mountPath: "/m" }],
      },
      spec: {
        restartPolicy: "Never",
        volumes: [{
          name: "m",
          configMap: {
            name: "modes",
            defaultMode: 0o440,
            items: [{ key: "a", path: "one" }, { key: "c", path: "deep/c", mode: 0o700 }],
          },
        }],
      },
    }),
  );
  await cluster.podWhen("modes", ({ status }) => status.phase === "Succeeded");
  assert.equal(await cluster.logs("modes"), "440 1 one\n700 2 deep/c\nread-only\n");
}

async function apiAccess(cluster: PodmanCluster): Promise<void> {
  const script = [
    "cd /var/run/secrets/kubernetes.io/serviceaccount",
    'grep -q "BEGIN CERTIFICATE" ca.crt && echo authority in $(cat namespace)',
    "nc -w 5 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT </dev/null && echo reached",
    "touch token 2>/dev/null || echo read-only",
    "cat token",
  ].join("; ");
  await cluster.apply(
    podOf("api-access", { script, spec: { restartPolicy: "Never" } }),
    podOf("no-access", {
      script: "ls /var/run/secrets/kubernetes.io 2>/dev/null || echo nothing",
      spec: { restartPolicy: "Never", automountServiceAccountToken: false },
    }),
  );
  await eventually(
    "the end of both pods",
    async () =>
      (await Promise.all(["api-access", "no-access"].map((name) => cluster.pod(name))))
        .every((pod) => pod?.status.phase === "Succeeded"),
  );
  const [authority, reached, readOnly, token = ""] = (await cluster.logs("api-access")).split("\n");
  assert.deepEqual(
    [authority, reached, readOnly],
    ["authority in default", "reached", "read-only"],
  );
  const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const who = async () => {
    const answer = await cluster.server.fetch(path, { method: "POST", headers, body: "{}" });
    return (await answer.json()).status?.userInfo?.username ?? answer.status;
  };
  assert.equal(await who(), "system:serviceaccount:default:default");
  assert.equal(await cluster.logs("no-access"), "nothing\n");
  await cluster.delete("pod", "api-access");
  assert.equal(await who(), 401, "The token has outlived its pod");
}

async function emptyDir(cluster: PodmanCluster): Promise<void> {
  const volumeMounts = [{ name: "shared", mountPath: "/shared" }];
  const writer = {
    name: "writer",
    image: IMAGE,
    imagePullPolicy: "Never",
    volumeMounts,
    command: ["sh", "-c", "echo run >> /shared/runs; sleep 1000"],
  };
  const reader = {
    ...writer,
    name: "reader",
    command: ["sh", "-c", "exec httpd -f -p 8080 -h /shared"],
  };
  await cluster.apply(podOf("shared", {
    script: "",
    spec: { containers: [writer, reader], volumes: [{ name: "shared", emptyDir: {} }] },
  }));
  const pod = await cluster.readyPod("shared");
  const file = () => fileOf(pod.status.podIP!, "runs");
  await eventually("the first run wrote", async () => await file() === "run");
  const id = pod.status.containerStatuses!.find(({ name }) => name === "writer")!.containerID!;
  await cluster.podman.send("POST", `/containers/${id.replace("podman://", "")}/kill`, {
    query: { signal: "KILL" },
  });
  await eventually("the second run wrote too", async () => await file() === "run\nrun");
  const folder = `${cluster.dataFolder}/pods/${pod.metadata.uid}`;
  assert.ok((await Deno.stat(folder)).isDirectory);
  await cluster.delete("pod", "shared");
  await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
}

async function memoryDir(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(podOf("in-memory", {
    script: "grep ' /fast ' /proc/mounts; dd if=/dev/zero of=/fast/x bs=1M count=4 || echo full",
    container: { volumeMounts: [{ name: "fast", mountPath: "/fast" }] },
    spec: {
      restartPolicy: "Never",
      volumes: [{ name: "fast", emptyDir: { medium: "Memory", sizeLimit: "2Mi" } }],
    },
  }));
  await cluster.podWhen("in-memory", ({ status }) => status.phase === "Succeeded");
  const text = await cluster.logs("in-memory");
  assert.match(text, /^tmpfs \/fast tmpfs .*size=2048k/);
  assert.match(text, /\nfull\n/);
}

async function hostPath(cluster: PodmanCluster): Promise<void> {
  const folder = `${cluster.hostFolder}/volumes`;
  await Deno.mkdir(folder, { recursive: true });
  const volume = (name: string, type: string) => ({
    name,
    hostPath: { path: `${folder}/${name}`, type },
  });
  await cluster.apply(podOf("host-path", {
    script: "echo hi > /made/file; cat /made/file; touch /ro/x 2>/dev/null || echo read-only",
    container: {
      volumeMounts: [{ name: "made", mountPath: "/made" }, {
        name: "made",
        mountPath: "/ro",
        readOnly: true,
      }],
    },
    spec: { restartPolicy: "Never", volumes: [volume("made", "DirectoryOrCreate")] },
  }));
  await cluster.podWhen("host-path", ({ status }) => status.phase === "Succeeded");
  assert.equal(await cluster.logs("host-path"), "hi\nread-only\n");
  assert.equal(await Deno.readTextFile(`${folder}/made/file`), "hi\n");
  await cluster.apply(podOf("no-path", {
    script: "true",
    container: { volumeMounts: [{ name: "absent", mountPath: "/absent" }] },
    spec: { volumes: [volume("absent", "Directory")] },
  }));
  const event = await eventually(
    "an event",
    async () => (await cluster.events("no-path")).find(({ reason }) => reason === "FailedMount"),
  );
  assert.match(event.message ?? "", /hostPath type check failed: .*absent is not a directory/);
}

async function subPath(cluster: PodmanCluster): Promise<void> {
  await cluster.apply(
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "parts" },
      data: { "app.conf": "on" },
    },
    podOf("sub-path", {
      script: "cat /etc/app.conf; echo; ls /etc/passwd; echo x > /data/file; cat /all/mine/file",
      container: {
        env: [{ name: "WHO", value: "mine" }],
        volumeMounts: [
          { name: "config", mountPath: "/etc/app.conf", subPath: "app.conf" },
          { name: "data", mountPath: "/data", subPathExpr: "$(WHO)" },
          { name: "data", mountPath: "/all" },
        ],
      },
      spec: {
        restartPolicy: "Never",
        volumes: [{ name: "config", configMap: { name: "parts" } }, { name: "data", emptyDir: {} }],
      },
    }),
  );
  await cluster.podWhen("sub-path", ({ status }) => status.phase === "Succeeded");
  assert.equal(await cluster.logs("sub-path"), "on\n/etc/passwd\nx\n");
}

/** `undefined` when there is no such file. */
async function fileOf(ip: string, path: string): Promise<string | undefined> {
  const answer = await fetch(`http://${ip}:8080/${path}`);
  const text = (await answer.text()).trim();
  return answer.ok ? text : undefined;
}
