import * as k8s from "@kubernetes/client-node";
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { eventually } from "../eventually.ts";
import { ServerProcess, withServer } from "../server_process.ts";
import { denoInformer, InformerProcess, nodeInformer } from "./informer_process.ts";

const NAMESPACE = "default";
const MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;

const serverOptions = { runtime: "process", args: ["--stop-pods", "--temporary"] } as const;
/** The server's own pipes stay open as long as it runs, and the library keeps its agents. */
const sanitizers = { sanitizeOps: false, sanitizeResources: false };

Deno.test({
  name: "the client library of Kubernetes reads, writes, watches and runs a pod",
  ...sanitizers,
  fn: () =>
    withServer(serverOptions, async (server) => {
      const config = new k8s.KubeConfig();
      config.loadFromFile(server.kubeconfig);
      const core = config.makeApiClient(k8s.CoreV1Api);
      const informer = k8s.makeInformer(
        config,
        MAPS,
        () => core.listNamespacedConfigMap({ namespace: NAMESPACE }),
      );
      try {
        const seen = watched(informer);
        await informer.start();
        await createsAndChanges(core, seen);
        await core.deleteNamespacedConfigMap({ namespace: NAMESPACE, name: "a" });
        await eventually("the informer sees a removal", () => seen.has("delete a"));
        await runsAPod(core);
        await execsInAPod(config, core);
      } finally {
        await informer.stop();
      }
    }),
});

const folder = await Deno.makeTempDir({ prefix: "coracle-test-" });
const onNode = await nodeInformer(folder);
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

Deno.test({
  name: "an informer on Node goes on by itself after kill -9 and after SIGTERM of the server" +
    (onNode ? "" : " (needs Node, and the registry of its packages)"),
  ignore: onNode === undefined,
  ...sanitizers,
  fn: () => goesOn(onNode!, ["kill", "stop"]),
});

// Under Deno 2.9 nobody tells undici, which the library uses, that a connection broke in the middle of an answer:
// after kill -9 it notices by its own time-out of 30 s.
Deno.test({
  name: "an informer on Deno goes on by itself after SIGTERM of the server",
  ...sanitizers,
  fn: () => goesOn(denoInformer(), ["stop"]),
});

/** What changed while nobody served is told too, and nothing that is over is told again. */
async function goesOn(command: readonly string[], ends: readonly ("kill" | "stop")[]) {
  let server = await ServerProcess.start(serverOptions);
  const { dataFolder } = server;
  const { port } = new URL(server.address);
  const options = { ...server.options };
  const listen = ["--listen", `127.0.0.1:${port}`];
  const informer = new InformerProcess(command, server.kubeconfig, Deno.cwd());
  try {
    await informer.told("connect");
    for (const end of ends) {
      await create(server, `before-${end}`);
      await informer.told(`add before-${end}`);
      await server[end]();
      await informer.told("error");
      server = await ServerProcess.start({ ...options, args: [...options.args ?? [], ...listen] });
      await create(server, `after-${end}`);
      await informer.told(`add after-${end}`);
      await remove(server, `before-${end}`);
      await informer.told(`delete before-${end}`);
    }
    const changes = informer.lines.filter((line) =>
      /^(add|update|delete) (before|after)/.test(line)
    );
    assert.equal(new Set(changes).size, changes.length, `told twice: ${changes}`);
  } finally {
    await informer.end();
    await server.stop();
    await Deno.remove(dataFolder, { recursive: true });
  }
}

async function create(server: ServerProcess, name: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ metadata: { name } });
  const answer = await server.fetch(MAPS, { method: "POST", headers, body });
  assert.equal(answer.status, 201, await answer.text());
}

async function remove(server: ServerProcess, name: string): Promise<void> {
  assert.equal((await server.fetch(`${MAPS}/${name}`, { method: "DELETE" })).status, 200);
}

/** What an informer has told. */
function watched(informer: k8s.Informer<k8s.V1ConfigMap>): Set<string> {
  const seen = new Set<string>();
  for (const event of ["add", "update", "delete"] as const) {
    informer.on(event, ({ metadata }) => seen.add(`${event} ${metadata?.name}`));
  }
  return seen;
}

async function createsAndChanges(core: k8s.CoreV1Api, seen: Set<string>): Promise<void> {
  const namespace = NAMESPACE;
  await core.createNamespacedConfigMap({
    namespace,
    body: { metadata: { name: "a" }, data: { k: "1" } },
  });
  await eventually("the informer sees a creation", () => seen.has("add a"));
  await core.patchNamespacedConfigMap(
    { namespace, name: "a", body: { data: { k: "2" } } },
    k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch),
  );
  await eventually("the informer sees a change", () => seen.has("update a"));
  const { items } = await core.listNamespacedConfigMap({ namespace, labelSelector: "x=y" });
  assert.deepEqual(items, []);
  await assert.rejects(
    core.readNamespacedConfigMap({ namespace, name: "no" }),
    (error) => error instanceof k8s.ApiException && error.code === 404,
  );
}

async function execsInAPod(config: k8s.KubeConfig, core: k8s.CoreV1Api): Promise<void> {
  const [namespace, name] = [NAMESPACE, "stays"];
  const container = { name, image: "example.com/a:1", command: ["sleep", "600"] };
  await core.createNamespacedPod({
    namespace,
    body: { metadata: { name }, spec: { containers: [container] } },
  });
  await eventually("the pod runs", async () => {
    const { status } = await core.readNamespacedPod({ namespace, name });
    return status?.phase === "Running";
  });
  const [stdout, stdin] = [new PassThrough(), new PassThrough()];
  let output = "";
  stdout.on("data", (part) => output += part);
  const ended = Promise.withResolvers<k8s.V1Status>();
  const command = ["sh", "-c", "read line; echo got $line; exit 4"];
  await new k8s.Exec(config).exec(
    namespace,
    name,
    name,
    command,
    stdout,
    null,
    stdin,
    false,
    (status) => ended.resolve(status),
  );
  stdin.write("a line\n");
  const { reason, details } = await ended.promise;
  assert.deepEqual([output, reason, details?.causes?.[0]?.message], [
    "got a line\n",
    "NonZeroExitCode",
    "4",
  ]);
}

async function runsAPod(core: k8s.CoreV1Api): Promise<void> {
  const [namespace, name] = [NAMESPACE, "once"];
  const container = { name, image: "example.com/a:1", command: ["echo", "hello"] };
  const spec = { restartPolicy: "Never", containers: [container] };
  await core.createNamespacedPod({ namespace, body: { metadata: { name }, spec } });
  await eventually("the pod succeeds", async () => {
    const { status } = await core.readNamespacedPod({ namespace, name });
    return status?.phase === "Succeeded";
  });
  assert.equal(await core.readNamespacedPodLog({ namespace, name }), "hello\n");
}
