import assert from "node:assert/strict";
import { MutableCatalog } from "../resources/catalog.ts";
import { type AnyResource, defineResource } from "../resources/resource.ts";
import { object, string } from "../schema/schema.ts";
import { followDefinitions } from "./defined_kinds.ts";
import { MemoryStore } from "./memory_store.ts";

/** Objects that each define a kind of their own name. */
const blueprints: AnyResource = defineResource({
  group: "example.com",
  version: "v1",
  kind: "Blueprint",
  plural: "blueprints",
  namespaced: false,
  schema: object("It defines a kind.", { color: string("Of the kind.") }),
  defines: ({ metadata: { name }, color }) =>
    color === "none" ? undefined : made(name, color ?? ""),
});

function made(plural: string, color: string): AnyResource {
  return defineResource({
    group: "example.com",
    version: "v1",
    kind: plural.toUpperCase(),
    plural,
    namespaced: false,
    schema: object(color, {}),
    definedBy: { resource: "blueprints.example.com", name: plural, content: color },
  });
}

function row(name: string, color: string, revision: number) {
  const metadata = { name, uid: name, resourceVersion: String(revision), creationTimestamp: "" };
  const text = JSON.stringify({ apiVersion: "example.com/v1", kind: "Blueprint", metadata, color });
  const key = ["blueprints.example.com", "", name] as const;
  return { key, bytes: new TextEncoder().encode(text) };
}

function standby() {
  const catalog = new MutableCatalog([blueprints]);
  const store = MemoryStore.following({ resources: catalog.all });
  followDefinitions(store, catalog);
  const kinds = () => catalog.all.map(({ plural }) => plural).slice(1);
  return { catalog, store, kinds };
}

Deno.test("a server that only follows the store knows the kinds that are defined in it", () => {
  const { store, kinds } = standby();
  store.replace({ revision: 2, rows: [row("boats", "red", 1), row("sails", "none", 2)] });
  assert.deepEqual(kinds(), ["boats"]);
  const { key, bytes } = row("sails", "blue", 3);
  store.show({ revision: 3, writes: [{ key, value: bytes }] });
  assert.deepEqual(kinds(), ["boats", "sails"]);
  store.replace({ revision: 4, rows: [{ key, bytes }] });
  assert.deepEqual(kinds(), ["sails"]);
});

Deno.test("a kind whose definition says the same stays the same one, and one that is built in stays", () => {
  const { store, catalog, kinds } = standby();
  store.replace({ revision: 1, rows: [row("boats", "red", 1)] });
  const boats = catalog.find("boats.example.com");
  const again = row("boats", "red", 2);
  store.show({ revision: 2, writes: [{ key: again.key, value: again.bytes }] });
  assert.equal(catalog.find("boats.example.com"), boats);
  const impostor = row("blueprints", "red", 3);
  store.show({ revision: 3, writes: [{ key: impostor.key, value: impostor.bytes }] });
  assert.equal(catalog.find("blueprints.example.com"), blueprints);
  assert.deepEqual(kinds(), ["boats"]);
});
