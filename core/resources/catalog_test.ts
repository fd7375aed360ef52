import assert from "node:assert/strict";
import { object } from "../schema/schema.ts";
import { builtFrom, forEachKind, MutableCatalog } from "./catalog.ts";
import { type AnyResource, defineResource } from "./resource.ts";

function kind(plural: string, version = "v1"): AnyResource {
  const schema = object("Anything.", {});
  return defineResource({
    group: "example.com",
    version,
    kind: plural,
    plural,
    namespaced: true,
    schema,
  });
}

const [cats, dogs, birds] = [kind("cats"), kind("dogs"), kind("birds")];
const newDogs = kind("dogs", "v2");

Deno.test("kinds come, change and go, and keep their order", () => {
  const catalog = new MutableCatalog([cats, dogs]);
  let changes = 0;
  const stop = catalog.subscribe(() => changes++);
  catalog.put(birds);
  assert.deepEqual([...catalog.all], [cats, dogs, birds]);
  catalog.put(newDogs);
  assert.deepEqual([...catalog.all], [cats, newDogs, birds]);
  assert.equal(catalog.find("dogs.example.com"), newDogs);
  catalog.remove("cats.example.com");
  assert.deepEqual([...catalog.all], [newDogs, birds]);
  assert.equal(catalog.find("cats.example.com"), undefined);
  assert.equal(changes, 3);
  stop();
  catalog.put(cats);
  assert.equal(changes, 3);
});

Deno.test("what does not change a catalogue is no change", () => {
  const catalog = new MutableCatalog([cats]);
  const { all } = catalog;
  catalog.subscribe(() => assert.fail("nothing has changed"));
  catalog.put(cats);
  catalog.remove("dogs.example.com");
  assert.equal(catalog.all, all);
});

Deno.test("what is built from all kinds is built anew only when they have changed, and only when it is used", () => {
  const catalog = new MutableCatalog([cats]);
  let builds = 0;
  const plurals = builtFrom(catalog, (resources) => {
    builds++;
    return resources.map(({ plural }) => plural);
  });
  assert.equal(builds, 0);
  assert.equal(plurals(), plurals());
  catalog.put(dogs);
  catalog.put(birds);
  assert.deepEqual([builds, plurals(), builds], [1, ["cats", "dogs", "birds"], 2]);
});

Deno.test("each kind is begun with once and ended once, and one that is replaced is both", () => {
  const catalog = new MutableCatalog([cats, dogs]);
  const seen: string[] = [];
  const stop = forEachKind(catalog, ({ plural, version }) => {
    seen.push(`+${plural} ${version}`);
    return () => seen.push(`-${plural} ${version}`);
  });
  const sinceThen = () => seen.splice(0).join(", ");
  assert.equal(sinceThen(), "+cats v1, +dogs v1");
  catalog.put(birds);
  assert.equal(sinceThen(), "+birds v1");
  catalog.put(newDogs);
  assert.equal(sinceThen(), "-dogs v1, +dogs v2");
  catalog.remove("cats.example.com");
  assert.equal(sinceThen(), "-cats v1");
  stop();
  assert.equal(sinceThen(), "-birds v1, -dogs v2");
  catalog.put(cats);
  assert.equal(sinceThen(), "");
});
