import * as k8s from "@kubernetes/client-node";
import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { ServerProcess } from "../server_process.ts";

const NAMESPACE = "default";

Deno.test({
  name:
    "the client library of Kubernetes works, and its informer goes on after kill -9 of the server",
  sanitizeOps: false, // the library keeps its agents, the server its pipes
  sanitizeResources: false,
  async fn() {
    let server = await ServerProcess.start({ runtime: "process", args: ["--stop-pods"] });
    const port = new URL(server.address).port;
    const config = new k8s.KubeConfig();
    config.loadFromFile(server.kubeconfig);
    const core = config.makeApiClient(k8s.CoreV1Api);
    const informer = k8s.makeInformer(
      config,
      `/api/v1/namespaces/${NAMESPACE}/configmaps`,
      () => core.listNamespacedConfigMap({ namespace: NAMESPACE }),
    );
    try {
      const seen = watched(informer);
      await informer.start();
      await createsAndChanges(core, seen);
      await server.kill();
      server = await ServerProcess.start({
        ...server.options,
        args: ["--stop-pods", "--temporary", "--listen", `127.0.0.1:${port}`],
      });
      await informer.start(); // by hand: on Deno the library is not told that its connection broke
      assert.equal(informer.get("a", NAMESPACE)?.data?.["k"], "2");
      await core.createNamespacedConfigMap({
        namespace: NAMESPACE,
        body: { metadata: { name: "after" } },
      });
      await eventually("the informer sees what came after", () => seen.has("add after"));
      await core.deleteNamespacedConfigMap({ namespace: NAMESPACE, name: "a" });
      await eventually("the informer sees a removal", () => seen.has("delete a"));
      await runsAPod(core);
    } finally {
      await informer.stop();
      await server.stop();
      await Deno.remove(server.dataFolder, { recursive: true });
    }
  },
});

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
