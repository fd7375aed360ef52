import assert from "node:assert/strict";
import { type ConfigMap, configMaps } from "../resources/core/config_maps.ts";
import { bindingTo } from "../resources/core/pods/binding.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import { type ConnectedClient, type Scenarios, testScenarios } from "./client_contract.ts";
import type { Draft, View, ViewEvent } from "./client.ts";

const CHANGES = 200;

/** What holds for every view of the API, besides what `testClient` says of it. */
export function testView(name: string, connect: () => Promise<ConnectedClient>): void {
  testScenarios(name, connect, SCENARIOS);
}

const SCENARIOS: Scenarios = {
  "every change of an object is told once, in order, and what is told is what shows": async (
    { client, view, caughtUp },
  ) => {
    const told = recorded(view);
    let current = await client.create(configMaps, configMap("a", "0"));
    for (let number = 1; number <= CHANGES; number++) {
      current = await client.update(configMaps, { ...current, data: { k: String(number) } });
    }
    await client.delete(configMaps, current.metadata);
    await caughtUp();
    const expected = Array.from(
      { length: CHANGES + 1 },
      (_, number) => `${number === 0 ? "ADDED" : "MODIFIED"} ${number}`,
    );
    assert.deepEqual(told.map(inShort), [...expected, `DELETED ${CHANGES}`]);
    const versions = told.map(({ object }) => Number(object.metadata.resourceVersion));
    assert.deepEqual(versions, [...new Set(versions)].sort((a, b) => a - b));
  },
  "an object made anew under its name is another one": async ({ client, view, caughtUp }) => {
    const first = await client.create(configMaps, configMap("a", "first"));
    await caughtUp();
    const told = recorded(view);
    await client.delete(configMaps, first.metadata);
    await client.create(configMaps, configMap("a", "second"));
    await caughtUp();
    assert.deepEqual(told.map(inShort), ["DELETED first", "ADDED second"]);
    assert.equal(told[0]!.object.metadata.uid, first.metadata.uid);
    assert.notEqual(told[1]!.object.metadata.uid, first.metadata.uid);
  },
  "what was read stays as it was, whatever comes": async ({ client, view, caughtUp }) => {
    const first = await client.create(configMaps, configMap("a", "1"));
    await client.create(pods, pod("p", { app: "web" }));
    await caughtUp();
    const [list, byLabel] = [view.list(configMaps), view.by(pods, "label", "app=web")];
    await client.update(configMaps, { ...first, data: { k: "2" } });
    await client.create(configMaps, configMap("b", "1"));
    await client.create(pods, pod("q", { app: "web" }));
    await caughtUp();
    assert.deepEqual(list.map(({ data }) => data?.["k"]), ["1"]);
    assert.deepEqual(byLabel.map(({ metadata }) => metadata.name), ["p"]);
    assert.equal(view.list(configMaps).length, 2);
    assert.equal(view.by(pods, "label", "app=web").length, 2);
  },
  "indexes follow the objects": async ({ client, view, caughtUp }) => {
    const created = await client.create(pods, pod("p", { app: "web", tier: "front" }));
    await caughtUp();
    assert.equal(view.by(pods, "node", "n1").length, 0);
    await client.act(pods, created.metadata, "binding", bindingTo("n1"));
    await caughtUp();
    const bound = view.get(pods, created.metadata)!;
    assert.deepEqual(view.by(pods, "node", "n1"), [bound]);
    const labels = { app: "api" };
    await client.update(pods, { ...bound, metadata: { ...bound.metadata, labels } });
    await caughtUp();
    assert.equal(view.by(pods, "label", "app=web").length, 0);
    assert.equal(view.by(pods, "label", "tier=front").length, 0);
    assert.equal(view.by(pods, "label", "app=api").length, 1);
    await client.delete(pods, created.metadata, { gracePeriodSeconds: 0 });
    await caughtUp();
    assert.equal(view.by(pods, "label", "app=api").length, 0);
    assert.equal(view.by(pods, "node", "n1").length, 0);
  },
  "who subscribes hears the later changes only, and of its kind only": async (
    { client, view, caughtUp },
  ) => {
    await client.create(configMaps, configMap("a", "1"));
    await caughtUp();
    const told = recorded(view);
    await client.create(pods, pod("p", {}));
    await client.create(configMaps, configMap("b", "2"));
    await caughtUp();
    assert.deepEqual(told.map(inShort), ["ADDED 2"]);
  },
};

function recorded(view: View): ViewEvent<ConfigMap>[] {
  const told: ViewEvent<ConfigMap>[] = [];
  view.subscribe(configMaps, (event) => {
    told.push(event);
    const shown = view.get(configMaps, event.object.metadata);
    assert.deepEqual(shown, event.type === "DELETED" ? undefined : event.object);
  });
  return told;
}

function inShort({ type, object }: ViewEvent<ConfigMap>): string {
  return `${type} ${object.data?.["k"]}`;
}

function configMap(name: string, k: string): Draft<ConfigMap> {
  return { metadata: { namespace: "default", name }, data: { k } };
}

function pod(name: string, labels: Record<string, string>): Draft<Pod> {
  const spec = { containers: [{ name: "web", image: "web" }] };
  return { metadata: { namespace: "default", name, labels }, spec } as Draft<Pod>;
}
