import assert from "node:assert/strict";
import { freshApi } from "../../api_fixture.ts";
import { pods } from "../../../resources/core/pods/pods.ts";
import { LocalClient } from "../../../objects/local_client.ts";
import { isRelated, type RelatedKind, relatedTo } from "./node_relations.ts";

const CORE = "/api/v1";
const POD = {
  serviceAccountName: "robot",
  imagePullSecrets: [{ name: "pull" }],
  initContainers: [{
    name: "i",
    image: "b",
    env: [{ name: "A", valueFrom: { secretKeyRef: { name: "env-key", key: "k" } } }],
  }],
  containers: [{
    name: "c",
    image: "b",
    envFrom: [{ secretRef: { name: "env-all" } }, { configMapRef: { name: "map-all" } }],
    env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "map-key", key: "k" } } }],
  }],
  volumes: [
    { name: "a", secret: { secretName: "volume" } },
    { name: "b", configMap: { name: "map-volume" } },
    {
      name: "c",
      projected: {
        sources: [{ secret: { name: "projected" } }, { configMap: { name: "map-projected" } }],
      },
    },
    { name: "d", iscsi: { targetPortal: "p", iqn: "q", lun: 1, secretRef: { name: "iscsi" } } },
    { name: "e", csi: { driver: "d", nodePublishSecretRef: { name: "csi" } } },
    { name: "f", persistentVolumeClaim: { claimName: "data" } },
    {
      name: "g",
      ephemeral: {
        volumeClaimTemplate: {
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        },
      },
    },
  ],
};

const OWN: Readonly<Record<RelatedKind, readonly string[]>> = {
  pods: ["a/p"],
  serviceaccounts: ["a/robot"],
  secrets: [
    ...["pull", "env-key", "env-all", "volume", "projected", "iscsi", "csi"].map((n) => `a/${n}`),
    "vault/stage",
  ],
  configmaps: ["map-all", "map-key", "map-volume", "map-projected"].map((name) => `a/${name}`),
  persistentvolumeclaims: ["a/data", "a/p-g"],
  persistentvolumes: ["/bound"],
};

/** A cluster in which the pod `a/p` is bound to `edge`, and a pod of the same names in `b` to `other`. */
async function cluster(): Promise<LocalClient> {
  const { ask, objects } = await freshApi();
  const post = async (path: string, body: unknown) => {
    const answer = await ask("POST", path, body);
    assert.equal(answer.status, 201, await answer.clone().text());
  };
  const volume = (claim: string, namespace: string) => ({
    accessModes: ["ReadWriteOnce"],
    capacity: { storage: "1Gi" },
    claimRef: { namespace, name: claim },
    csi: {
      driver: "d",
      volumeHandle: "h",
      nodeStageSecretRef: { namespace: "vault", name: namespace === "a" ? "stage" : "others" },
      controllerPublishSecretRef: { namespace: "vault", name: "controller" },
    },
  });
  for (const [namespace, node] of [["a", "edge"], ["b", "other"]] as const) {
    await post(`${CORE}/namespaces`, { metadata: { name: namespace } });
    await post(`${CORE}/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "robot" } });
    await post(`${CORE}/namespaces/${namespace}/pods`, {
      metadata: { name: "p" },
      spec: { ...POD, nodeName: node },
    });
    await post(`${CORE}/persistentvolumes`, {
      metadata: { name: namespace === "a" ? "bound" : "others" },
      spec: volume("data", namespace),
    });
  }
  return new LocalClient(objects);
}

Deno.test("a node has to do with all that its pods refer to, and with nothing that only others' do", async () => {
  const view = await cluster();
  for (const [kind, keys] of Object.entries(OWN) as [RelatedKind, string[]][]) {
    for (const key of keys) {
      const [namespace = "", name = ""] = key.split("/");
      const asked = { kind, namespace, name };
      assert.ok(isRelated("edge", asked, view), `${kind} ${key}`);
      assert.ok(!isRelated("other", asked, view), `${kind} ${key} of another node`);
      assert.ok(!isRelated("nowhere", asked, view), `${kind} ${key} of no node`);
      if (namespace !== "a") continue;
      assert.ok(!isRelated("edge", { kind, namespace: "b", name }, view), `${kind} b/${name}`);
      assert.ok(!isRelated("edge", { kind, namespace, name: `${name}x` }, view));
    }
  }
  for (const name of ["controller", "others"]) {
    assert.ok(!isRelated("edge", { kind: "secrets", namespace: "vault", name }, view), name);
  }
});

Deno.test("a pod that only shows a static one gives its node nothing to read", async () => {
  const view = await cluster();
  const pod = view.get(pods, { namespace: "a", name: "p" })!;
  const annotations = { "kubernetes.io/config.mirror": "x" };
  const mirror = { ...pod, metadata: { ...pod.metadata, annotations } };
  const made = { get: view.get.bind(view), list: () => [], by: () => [mirror] as never };
  const related = relatedTo("edge", made);
  assert.equal(related.secrets.size + related.persistentvolumeclaims.size, 0);
  const secret = { kind: "secrets", namespace: "a", name: "volume" } as const;
  assert.ok(!isRelated("edge", secret, made));
});

Deno.test("what is related in all is what is related one by one", async () => {
  const view = await cluster();
  const related = relatedTo("edge", view);
  const sorted = (names: Iterable<string>) => [...names].sort();
  assert.deepEqual(sorted(related.secrets), sorted(OWN.secrets));
  assert.deepEqual(sorted(related.configmaps), sorted([...OWN.configmaps, "kube-system/kube-dns"]));
  assert.deepEqual(sorted(related.persistentvolumeclaims), sorted(OWN.persistentvolumeclaims));
  assert.deepEqual(sorted(related.persistentvolumes), sorted(OWN.persistentvolumes));
  for (const [kind, keys] of Object.entries(related) as [RelatedKind, Set<string>][]) {
    for (const key of keys) {
      const [namespace = "", name = ""] = key.split("/");
      assert.ok(isRelated("edge", { kind, namespace, name }, view), `${kind} ${key}`);
    }
  }
});
