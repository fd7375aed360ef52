import assert from "node:assert/strict";
import { freshObjects } from "../../objects/objects_fixture.ts";
import { type ConfigMap, configMaps } from "../../resources/core/config_maps.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import { type Loop, NOTHING } from "./controller.ts";
import { whenNeeded } from "./loop_on_demand.ts";

const LOOP: Loop = {
  name: "test",
  workers: 1,
  start: () => ({ reconcile: () => NOTHING, stop: () => {} }),
};

Deno.test("a loop is loaded with the first object that needs it, not before", async () => {
  const { client, waiting, loads } = await world();
  await client.create(namespaces, { metadata: { name: "other" } });
  await client.create(configMaps, { metadata: { namespace: "default", name: "other" } });
  await turns();
  assert.equal(loads.count, 0);
  await client.create(configMaps, { metadata: { namespace: "default", name: "needs" } });
  assert.equal(await waiting, LOOP);
  assert.equal(loads.count, 1);
});

Deno.test("an object that was there before needs it too", async () => {
  const { client } = await world();
  await client.create(configMaps, { metadata: { namespace: "default", name: "needs" } });
  const { waiting } = await world(client);
  assert.equal(await waiting, LOOP);
});

Deno.test("a change can make an object need it; one that goes and never did is nothing", async () => {
  const { client, waiting, loads } = await world();
  const name = { namespace: "default", name: "a" };
  const made = await client.create(configMaps, { metadata: { ...name, labels: { needs: "no" } } });
  await client.delete(configMaps, name, {});
  await turns();
  assert.equal(loads.count, 0);
  const { resourceVersion: _, uid: __, ...metadata } = made.metadata;
  const again = await client.create(configMaps, { metadata });
  await client.update(configMaps, {
    ...again,
    metadata: { ...again.metadata, labels: { needs: "yes" } },
  });
  assert.equal(await waiting, LOOP);
});

Deno.test("a loop that nobody needs ends with the process, and is never loaded", async () => {
  const { stop, waiting, loads } = await world();
  stop.abort();
  assert.equal(await waiting, undefined);
  assert.equal(loads.count, 0);
});

async function world(given?: Awaited<ReturnType<typeof freshObjects>>["client"]) {
  const client = given ?? (await freshObjects()).client;
  const stop = new AbortController();
  const loads = { count: 0 };
  const isFor = ({ metadata: { name, labels } }: ConfigMap) =>
    name === "needs" || labels?.needs === "yes";
  const waiting = whenNeeded(
    {
      name: "test",
      neededBy: [{ resource: configMaps, isFor: (object) => isFor(object as ConfigMap) }],
      load: () => {
        loads.count++;
        return Promise.resolve(LOOP);
      },
    },
    client,
    stop.signal,
  );
  return { client, stop, waiting, loads };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
