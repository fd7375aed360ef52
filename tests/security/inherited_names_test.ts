import assert from "node:assert/strict";
import { isReady, NodeUnderTest } from "../../agent/agent_fixture.ts";
import { freshApi } from "../../core/api/api_fixture.ts";
import { configMaps } from "../../core/resources/core/config_maps.ts";
import { type Node, nodes } from "../../core/resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import { nodeAffinity } from "../../core/scheduler/plugins/node_affinity.ts";
import type { NodeState, Snapshot } from "../../core/scheduler/snapshot.ts";

// Names that all JavaScript objects inherit. To users they are names like any other.
const NAMES = ["constructor", "toString", "hasOwnProperty", "valueOf", "isPrototypeOf"];
const NAMESPACE = "/api/v1/namespaces/default";
const CONFIG_MAP = `${NAMESPACE}/configmaps/a`;
const c = { name: "c", image: "registry.example/busybox:1" };

const everyName = Object.fromEntries(NAMES.map((name) => [name, `${name}-1`]));

Deno.test("a name that all JavaScript objects inherit is a name like any other: it is kept, found, changed and removed", async () => {
  const { ask } = await freshApi();
  const metadata = { name: "a", labels: everyName, annotations: everyName };
  const made = await ask("POST", `${NAMESPACE}/configmaps`, { metadata, data: everyName });
  assert.equal(made.status, 201, await made.clone().text());
  await ask("POST", `${NAMESPACE}/configmaps`, { metadata: { name: "b" }, data: { k: "v" } });
  const found = async (labelSelector: string) => {
    const path = `${NAMESPACE}/configmaps?labelSelector=${encodeURIComponent(labelSelector)}`;
    const { items } = await (await ask("GET", path)).json();
    return items.map((item: { metadata: { name: string } }) => item.metadata.name);
  };
  for (const name of NAMES) {
    assert.deepEqual(await found(name), ["a"], name);
    assert.deepEqual(await found(`${name}=${name}-1`), ["a"], name);
    assert.deepEqual(await found(`!${name}`), ["b"], name);
  }
  const patched = async (type: string, body: unknown) => {
    const headers = { "content-type": `application/${type}+json` };
    const answer = await ask("PATCH", CONFIG_MAP, JSON.stringify(body), headers);
    assert.equal(answer.status, 200, type);
    return (await answer.json()).data;
  };
  const { constructor: _, ...rest } = everyName;
  assert.deepEqual(await patched("merge-patch", { data: { constructor: null } }), rest);
  assert.deepEqual(await patched("merge-patch", { data: { constructor: "2" } }), {
    ...rest,
    constructor: "2",
  });
  const { toString: __, ...others } = { ...rest, constructor: "2" };
  assert.deepEqual(await patched("strategic-merge-patch", { data: { toString: null } }), others);
  const operations = [{ op: "add", path: "/data/toString", value: "3" }, {
    op: "remove",
    path: "/data/constructor",
  }];
  assert.deepEqual(await patched("json-patch", operations), { ...rest, toString: "3" });
});

Deno.test("an amount with an inherited name is refused, and is no fault of the server", async () => {
  const { ask } = await freshApi();
  for (
    const resources of [{ requests: everyName }, {
      limits: { cpu: "1" },
      requests: { toString: "1" },
    }]
  ) {
    const spec = { containers: [{ ...c, resources }] };
    const answer = await ask("POST", `${NAMESPACE}/pods`, { metadata: { name: "p" }, spec });
    assert.equal(answer.status, 422);
  }
});

Deno.test("an inherited name that is absent in the next apply is removed", async () => {
  const { ask } = await freshApi();
  const apply = async (data: object) => {
    const manifest = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data };
    assert.equal((await ask("PUT", "/apply", manifest)).status, 200);
    return (await (await ask("GET", CONFIG_MAP)).json()).data;
  };
  assert.deepEqual(await apply({ ...everyName, k: "1" }), { ...everyName, k: "1" });
  assert.deepEqual(await apply({ k: "1" }), { k: "1" });
});

Deno.test("no pod gets a key, a label or an annotation that does not exist", async () => {
  await using node = await NodeUnderTest.start();
  await node.client.create(configMaps, {
    metadata: { name: "a", namespace: "default" },
    data: { k: "1", valueOf: "kept" },
  });
  const key = (name: string, key: string, optional = false) => ({
    name,
    valueFrom: { configMapKeyRef: { name: "a", key, optional } },
  });
  const field = { fieldPath: "metadata.annotations['constructor']" };
  await node.create({
    name: "fine",
    container: {
      name: "constructor", // a valid name
      env: [
        key("GIVEN", "valueOf"),
        key("ABSENT", "toString", true),
        { name: "FIELD", valueFrom: { fieldRef: field } },
        { name: "TEXT", value: "$(constructor) $(toString)" },
      ],
    },
  });
  await node.until(() => isReady(node.pod("fine")));
  const { env } = node.runtime.made[0]!;
  assert.equal(env["GIVEN"], "kept");
  assert.equal(Object.hasOwn(env, "ABSENT"), false);
  assert.equal(env["FIELD"], "");
  assert.equal(env["TEXT"], "$(constructor) $(toString)");

  await node.create({ name: "waits", container: { env: [key("A", "toString")] } });
  const items = [{ key: "constructor", path: "a/b" }];
  const volumes = [{ name: "v", configMap: { name: "a", items } }];
  await node.create({ name: "mounts", spec: { volumes } });
  await node.until(() => node.waiting("waits")?.reason === "CreateContainerConfigError");
  assert.equal(
    node.waiting("waits")?.message,
    "couldn't find key toString in ConfigMap default/a",
  );
  await node.until(() => node.reasons("mounts").includes("FailedMount"));
});

Deno.test("no pod is placed on a node because of a label that the node does not have", async () => {
  await using node = await NodeUnderTest.start();
  const terms = [{ matchExpressions: [{ key: "constructor", operator: "Exists" }] }];
  const needed = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } };
  await node.create({ name: "picky", spec: { affinity: { nodeAffinity: needed } } });
  await node.until(() => node.client.list(nodes).length > 0);
  const [plain] = node.client.list(nodes);
  const pod = node.client.get(pods, { namespace: "default", name: "picky" })!;
  assert.notEqual(refusalOf(pod, plain!), undefined);
  const labels = { ...plain!.metadata.labels, constructor: "x" };
  const labelled = { ...plain!, metadata: { ...plain!.metadata, labels } };
  assert.equal(refusalOf(pod, labelled), undefined);
});

function refusalOf(pod: Pod, node: Node): unknown {
  const [snapshot, tallies] = [{} as Snapshot, []]; // this plugin reads only the node
  return nodeAffinity.filter!(pod, snapshot, undefined)!({ node } as unknown as NodeState, tallies);
}
