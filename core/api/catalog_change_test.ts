/** Kinds that come, change and go while the server runs. */
import assert from "node:assert/strict";
import { MutableCatalog } from "../resources/catalog.ts";
import { RESOURCES } from "../resources/mod.ts";
import { type AnyResource, defineResource } from "../resources/resource.ts";
import { object, string } from "../schema/schema.ts";
import { MemoryDisk } from "../store/memory_journal.ts";
import { type ApiFixture, freshApi } from "./api_fixture.ts";
import { Openapi } from "./discovery/openapi.ts";
import { ServedKinds } from "./discovery/served_kinds.ts";

/** Boats, which have one property, and are found by it. */
function boatsWith(property: string): AnyResource {
  const values = (boat: object) =>
    Object.entries(boat).flatMap(([name, value]) => name === property ? [value] : []);
  return defineResource({
    group: "sea.example.com",
    version: "v1",
    kind: "Boat",
    plural: "boats",
    shortNames: ["bt"],
    namespaced: true,
    schema: object("A boat.", {
      [property]: string("A property."),
      status: object("What is.", {}),
    }),
    indexes: { [property]: values },
  });
}
const boats = boatsWith("sail");
const BOATS = "/apis/sea.example.com/v1/namespaces/default/boats";
const AGGREGATED = {
  accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
};

// deno-lint-ignore no-explicit-any -- whatever the API answers
type Body = any;

interface Harbour extends ApiFixture {
  catalog: MutableCatalog;
  json(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Body>;
}

async function harbour({ disk }: { disk?: MemoryDisk } = {}): Promise<Harbour> {
  const catalog = new MutableCatalog(RESOURCES);
  const fixture = await freshApi({ catalog, ...(disk && { disk }) });
  return {
    ...fixture,
    catalog,
    json: async (...request) => await (await fixture.ask(...request)).json(),
  };
}

/** All by which clients find out about a kind. */
async function signsOf({ json, ask }: Harbour): Promise<Record<string, boolean>> {
  const names = (list: { resources?: { name: string }[] }) =>
    (list.resources ?? []).map(({ name }) => name);
  const groups = await json("GET", "/apis");
  const { items } = await json("GET", "/apis", undefined, AGGREGATED);
  const { paths } = await json("GET", "/openapi/v3");
  return {
    legacy: groups.groups.some(({ name }: { name: string }) => name === "sea.example.com"),
    // deno-lint-ignore no-explicit-any
    aggregated: items.some(({ metadata }: any) => metadata.name === "sea.example.com"),
    list: names(await json("GET", "/apis/sea.example.com/v1")).includes("boats/status"),
    openapi: paths["apis/sea.example.com/v1"] !== undefined,
    verbs: (await ask("GET", BOATS)).status === 200,
  };
}

Deno.test("a kind that comes is discovered, described and served, and none of that is left when it goes", async () => {
  const api = await harbour();
  const every = async (is: boolean, when: string) => {
    for (const [sign, found] of Object.entries(await signsOf(api))) {
      assert.equal(found, is, `${sign}, ${when}`);
    }
  };
  await every(false, "before");
  api.catalog.put(boats);
  await every(true, "there");
  const { resources } = await api.json("GET", "/apis/sea.example.com/v1");
  assert.deepEqual(resources[0].shortNames, ["bt"]);
  api.catalog.remove("boats.sea.example.com");
  await every(false, "gone");
});

Deno.test("objects of a kind that comes are written, found by its index, and applied", async () => {
  const { ask, json, catalog, objects } = await harbour();
  const manifest = { apiVersion: "sea.example.com/v1", kind: "Boat", metadata: { name: "b" } };
  assert.equal((await ask("PUT", "/apply", manifest)).status, 422);
  catalog.put(boats);
  const { results } = await json("PUT", "/apply", { ...manifest, sail: "red" });
  assert.equal(results[0].object, "boat.sea.example.com/b");
  await ask("POST", BOATS, { metadata: { name: "a" }, sail: "blue" });
  const found = objects.store.by("boats.sea.example.com", "sail", "blue");
  assert.deepEqual(found.map(({ key }) => key[2]), ["a"]);
});

Deno.test("a kind that goes keeps its objects, unseen, also over a restart, and shows them when it is back", async () => {
  const disk = new MemoryDisk();
  const before = await harbour({ disk });
  before.catalog.put(boats);
  await before.ask("POST", BOATS, { metadata: { name: "a" }, sail: "blue" });
  before.catalog.remove("boats.sea.example.com");
  assert.equal((await before.ask("GET", `${BOATS}/a`)).status, 404);
  assert.equal((await before.ask("DELETE", `${BOATS}/a`)).status, 404);
  const after = await harbour({ disk });
  assert.equal((await after.ask("GET", `${BOATS}/a`)).status, 404);
  for (const { catalog, json, objects } of [before, after]) {
    catalog.put(boats);
    assert.equal((await json("GET", `${BOATS}/a`)).sail, "blue");
    assert.equal(objects.store.by("boats.sea.example.com", "sail", "blue").length, 1);
  }
});

Deno.test("a kind in a new shape takes the place of the old one, and its indexes too", async () => {
  const { ask, json, catalog, objects } = await harbour();
  catalog.put(boats);
  await ask("POST", BOATS, { metadata: { name: "old" }, sail: "blue" });
  const hash = async () =>
    (await json("GET", "/openapi/v3")).paths["apis/sea.example.com/v1"].serverRelativeURL;
  const hashBefore = await hash();
  catalog.put(boatsWith("engine"));
  assert.notEqual(await hash(), hashBefore);
  await ask("POST", BOATS, { metadata: { name: "new" }, engine: "diesel", sail: "blue" });
  assert.equal((await json("GET", `${BOATS}/new`)).sail, undefined);
  const { store } = objects;
  assert.equal(store.by("boats.sea.example.com", "engine", "diesel").length, 1);
  assert.equal(store.by("boats.sea.example.com", "sail", "blue").length, 0);
});

Deno.test("a kind that comes can be watched; when it goes or changes the watch ends in order, and a new one can be opened", async () => {
  const { ask, catalog, api } = await harbour();
  const watch = async () => (await ask("GET", `${BOATS}?watch=1`)).body!.getReader();
  catalog.put(boats);
  for (const change of [() => catalog.put(boatsWith("engine")), () => catalog.put(boats)]) {
    const reader = await watch();
    const name = `boat-${crypto.getRandomValues(new Uint16Array(1))}`;
    const other = (await ask("GET", "/api/v1/pods?watch=1")).body!.getReader();
    await ask("POST", BOATS, { metadata: { name } });
    let text = "";
    while (!text.includes(`"${name}"`)) {
      text += new TextDecoder().decode((await reader.read()).value);
    }
    change();
    assert.equal((await reader.read()).done, true);
    await ask("POST", "/api/v1/namespaces/default/pods", {
      metadata: { name },
      spec: { containers: [{ name: "a", image: "b" }] },
    });
    assert.equal((await other.read()).done, false, "other watches go on");
    await other.cancel();
  }
  const reader = await watch();
  await reader.read();
  catalog.remove("boats.sea.example.com");
  assert.equal((await reader.read()).done, true);
  assert.equal((await ask("GET", `${BOATS}?watch=1`)).status, 404);
  api.endStreams();
});

Deno.test("what was made of kinds that stay is not made again, and nothing is while none changes", async () => {
  const catalog = new MutableCatalog(RESOURCES);
  const kinds = new ServedKinds(catalog);
  const openapi = new Openapi(kinds, "v1");
  const { all } = kinds;
  const events = kinds.find("events.k8s.io", "v1", "events");
  const apps = await openapi.document("apis/apps/v1");
  assert.equal(kinds.all, all);
  catalog.put(boats);
  assert.notEqual(kinds.all, all);
  assert.equal(kinds.find("events.k8s.io", "v1", "events"), events);
  assert.equal(await openapi.document("apis/apps/v1"), apps);
  const sea = await openapi.document("apis/sea.example.com/v1");
  catalog.put(boatsWith("engine"));
  assert.notEqual(await openapi.document("apis/sea.example.com/v1"), sea);
});
