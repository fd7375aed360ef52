import assert from "node:assert/strict";
import { type ConfigMap, configMaps } from "../resources/core/config_maps.ts";
import type { KubeObject } from "../resources/resource.ts";
import { type Deployment, deployments } from "../resources/apps/deployments.ts";
import { bindingTo } from "../resources/core/pods/binding.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import { podDisruptionBudgets } from "../resources/policy/pod_disruption_budgets.ts";
import { isRefusal } from "./api_error.ts";
import type { Client, Draft, View } from "./client.ts";

/** A client and a view of a fresh cluster with the namespace `default`. */
export interface ConnectedClient {
  client: Client;
  view: View;
  /** Resolves when the view shows what the client has written so far. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

/** What must hold, by the sentence that says it. */
export type Scenarios = Readonly<Record<string, (connected: ConnectedClient) => Promise<void>>>;

/** What holds for every way to talk to the API. */
export function testClient(name: string, connect: () => Promise<ConnectedClient>): void {
  testScenarios(name, connect, SCENARIOS);
}

/** One test for each scenario, each with a connection of its own. */
export function testScenarios(
  name: string,
  connect: () => Promise<ConnectedClient>,
  scenarios: Scenarios,
): void {
  for (const [behaviour, scenario] of Object.entries(scenarios)) {
    Deno.test(`${name}: ${behaviour}`, async () => {
      const connected = await connect();
      try {
        await scenario(connected);
      } finally {
        await connected.close();
      }
    });
  }
}

const SCENARIOS: Scenarios = {
  "what was created is in the view": async ({ client, view, caughtUp }) => {
    const created = await client.create(configMaps, configMap("a", { k: "v" }));
    await caughtUp();
    const shown = view.get(configMaps, created.metadata)!;
    assert.deepEqual(withoutManagers(shown), withoutManagers(created));
    assert.deepEqual(view.list(configMaps), [shown]);
    assert.equal(view.get(configMaps, { namespace: "default", name: "b" }), undefined);
  },
  "lists are in the order of names, of all namespaces or of one": async (
    { client, view, caughtUp },
  ) => {
    for (const name of ["c", "a", "b"]) await client.create(configMaps, configMap(name));
    await caughtUp();
    assert.deepEqual(view.list(configMaps).map(({ metadata }) => metadata.name), ["a", "b", "c"]);
    assert.equal(view.list(configMaps, "default").length, 3);
    assert.equal(view.list(configMaps, "other").length, 0);
  },
  "a list that has not changed is the same array": async ({ client, view, caughtUp }) => {
    await client.create(configMaps, configMap("a"));
    await caughtUp();
    const before = view.list(configMaps);
    assert.equal(view.list(configMaps), before);
    await client.create(configMaps, configMap("b"));
    await caughtUp();
    assert.equal(before.length, 1);
    assert.equal(view.list(configMaps).length, 2);
  },
  "objects are found by owner, by label and by the index of their kind": async (
    { client, view, caughtUp },
  ) => {
    const owner = { apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "u1" };
    const draft = pod("a");
    const metadata = { ...draft.metadata, labels: { app: "web" }, ownerReferences: [owner] };
    await client.create(pods, { ...draft, metadata });
    await client.act(pods, { namespace: "default", name: "a" }, "binding", bindingTo("n1"));
    await caughtUp();
    for (const [index, value] of [["owner", "u1"], ["label", "app=web"], ["node", "n1"]] as const) {
      assert.deepEqual(
        view.by(pods, index, value).map(({ metadata }) => metadata.name),
        ["a"],
        index,
      );
    }
    assert.deepEqual(view.by(pods, "node", "n2"), []);
  },
  "a subscriber hears of each later change, in order": async ({ client, view, caughtUp }) => {
    await client.create(configMaps, configMap("before"));
    await caughtUp();
    const heard: string[] = [];
    const stop = view.subscribe(configMaps, ({ type, object }) => {
      heard.push(`${type} ${object.metadata.name}`);
      assert.equal(view.get(configMaps, object.metadata) === undefined, type === "DELETED");
    });
    const created = await client.create(configMaps, configMap("a"));
    await client.update(configMaps, { ...created, data: { k: "w" } });
    await client.delete(configMaps, created.metadata);
    await caughtUp();
    stop();
    await client.create(configMaps, configMap("after"));
    await caughtUp();
    assert.deepEqual(heard, ["ADDED a", "MODIFIED a", "DELETED a"]);
  },
  "an update of an outdated object is a conflict": async ({ client }) => {
    const created = await client.create(configMaps, configMap("a"));
    await client.update(configMaps, { ...created, data: { k: "1" } });
    await assert.rejects(
      client.update(configMaps, { ...created, data: { k: "2" } }),
      (error) => isRefusal(error, "Conflict"),
    );
  },
  "the status has a write of its own": async ({ client }) => {
    const created = await client.create(deployments, deployment());
    const changed = {
      ...created,
      spec: { ...created.spec, replicas: 3 },
      status: { replicas: 2 },
    } as Deployment;
    const specOnly = await client.update(deployments, changed);
    assert.equal(specOnly.spec.replicas, 3);
    assert.equal(specOnly.status.replicas, undefined);
    const both = {
      ...specOnly,
      spec: { ...specOnly.spec, replicas: 9 },
      status: { replicas: 2 },
    } as Deployment;
    const statusOnly = await client.updateStatus(deployments, both);
    assert.equal(statusOnly.spec.replicas, 3);
    assert.equal(statusOnly.status.replicas, 2);
  },
  "a pod on a node is deleted in two steps": async ({ client, view, caughtUp }) => {
    const name = { namespace: "default", name: "a" };
    await client.create(pods, pod("a"));
    await client.act(pods, name, "binding", bindingTo("n1"));
    await client.delete(pods, name);
    await caughtUp();
    assert.equal(view.get(pods, name)?.metadata.deletionGracePeriodSeconds, 30);
    const uid = view.get(pods, name)!.metadata.uid;
    await client.delete(pods, name, { gracePeriodSeconds: 0, preconditions: { uid } });
    await caughtUp();
    assert.equal(view.get(pods, name), undefined);
  },
  "a pod is evicted unless a budget keeps it": async ({ client, view, caughtUp }) => {
    const name = { namespace: "default", name: "a" };
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: name };
    const evict = () => client.act(pods, name, "eviction", eviction);
    const draft = pod("a");
    const labels = { app: "web" };
    const created = await client.create(pods, {
      ...draft,
      metadata: { ...draft.metadata, labels },
    });
    const running = { ...created, status: { ...created.status, phase: "Running" } } as Pod;
    await client.updateStatus(pods, running);
    const budget = await client.create(podDisruptionBudgets, {
      metadata: name,
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    });
    await client.updateStatus(podDisruptionBudgets, {
      ...budget,
      status: {
        observedGeneration: 1,
        disruptionsAllowed: 0,
        currentHealthy: 0,
        desiredHealthy: 1,
        expectedPods: 1,
      },
    });
    await assert.rejects(evict, (error) => isRefusal(error, "TooManyRequests"));
    await client.delete(podDisruptionBudgets, name);
    await evict();
    await caughtUp();
    assert.equal(view.get(pods, name), undefined);
    await assert.rejects(evict, (error) => isRefusal(error, "NotFound"));
  },
  "refusals carry Kubernetes' reasons": async ({ client }) => {
    await client.create(configMaps, configMap("a"));
    const refusals = [
      ["AlreadyExists", () => client.create(configMaps, configMap("a"))],
      ["NotFound", () => client.delete(configMaps, { namespace: "default", name: "b" })],
      ["Invalid", () => client.create(pods, { ...pod("b"), spec: {} })],
      [
        "NotFound",
        () => client.act(pods, { namespace: "default", name: "b" }, "binding", bindingTo("n1")),
      ],
    ] as const;
    for (const [reason, ask] of refusals) {
      await assert.rejects(ask, (error) => isRefusal(error, reason), reason);
    }
  },
};

function configMap(name: string, data: Record<string, string> = {}): Draft<ConfigMap> {
  return { metadata: { namespace: "default", name }, data };
}

function pod(name: string): Draft<Pod> {
  const spec = { containers: [{ name: "web", image: "web" }] };
  return { metadata: { namespace: "default", name }, spec } as Draft<Pod>;
}

function deployment(): Draft<Deployment> {
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "web" }] } };
  const spec = { selector: { matchLabels: labels }, template };
  return { metadata: { namespace: "default", name: "web" }, spec } as Draft<Deployment>;
}

/** Who manages which fields is told to those who ask for objects, not to every view. */
function withoutManagers<T extends KubeObject>({ metadata, ...rest }: T) {
  const { managedFields: _, ...others } = metadata;
  return { ...rest, metadata: others };
}
