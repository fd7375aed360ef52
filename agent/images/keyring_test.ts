import assert from "node:assert/strict";
import { parseImageReference } from "../runtimes/image_reference.ts";
import { credentialsFor, isPlaceOf } from "./keyring.ts";
import type { RegistryEntry } from "./registry_credentials.ts";

Deno.test("a place matches images part by part, with its port, and by a prefix of its path", () => {
  // After https://kubernetes.io/docs/concepts/containers/images/#config-json and its table of wildcards.
  const cases: [place: string, image: string, expected: boolean][] = [
    ["registry.io", "registry.io/app", true],
    ["*.registry.io", "a.registry.io/app", true],
    ["*.registry.io", "registry.io/app", false],
    ["*.io", "k8s.registry.io/app", false],
    ["*.*.registry.io", "a.b.registry.io/app", true],
    ["prefix.*.io", "prefix.registry.io/app", true],
    ["*-good.registry.io", "prefix-good.registry.io/app", true],
    ["*a*b*", "xaybz/app", true],
    ["*a*b", "aabbab/app", true],
    ["*a*b", "aabba/app", false],
    ["k?s.io", "k8s.io/app", true],
    ["k?s.io", "ks.io/app", false],
    ["[a-c]1.io", "b1.io/app", true],
    ["[a-c]1.io", "d1.io/app", false],
    ["[^a-c]1.io", "d1.io/app", true],
    ["[^a-c]1.io", "b1.io/app", false],
    ["[.io", "[.io/app", false],
    ["registry.io:5000", "registry.io:5000/app", true],
    ["registry.io:5000", "registry.io/app", false],
    ["registry.io", "registry.io:5000/app", false],
    ["*.io:5000", "registry.io:5000/app", true],
    ["registry.io/team", "registry.io/team/app", true],
    ["registry.io/team", "registry.io/teams/app", true],
    ["registry.io/team", "registry.io/other/app", false],
    ["registry.io/*", "registry.io/team/app", false],
    ["", "registry.io/app", false],
  ];
  for (const [place, image, expected] of cases) {
    assert.equal(isPlaceOf(place, image), expected, `${place} for ${image}`);
  }
});

Deno.test("the longest place comes first, and Docker Hub's only for its own images", () => {
  const entries = [
    ..."quay.io quay.io/coreos *.io index.docker.io".split(" ").map((place) => entry(place)),
    entry("quay.io", "second"),
  ];
  const cases: [image: string, expected: string[]][] = [
    ["quay.io/coreos/etcd", ["quay.io/coreos", "quay.io", "second", "*.io"]],
    ["quay.io/other", ["quay.io", "second", "*.io"]],
    ["nginx", ["*.io"]],
    ["gcr.com/app", []],
  ];
  for (const [image, expected] of cases) {
    assert.deepEqual(usersFor(image, entries), expected, image);
  }
  const hub = [entry("index.docker.io")];
  for (const image of ["nginx", "docker.io/me/app", "index.docker.io/me/app"]) {
    assert.deepEqual(usersFor(image, hub), ["index.docker.io"], image);
  }
  assert.deepEqual(usersFor("localhost:5000/app", hub), []);
});

Deno.test("a keyring of very many patterns costs little, and gives few credentials", () => {
  const stars = "*a".repeat(2_000);
  const entries = Array.from({ length: 5_000 }, (_, i) => entry(`${stars.slice(0, 100)}*/${i}`))
    .concat(Array.from({ length: 5_000 }, (_, i) => entry("*".repeat(i + 1))));
  const started = performance.now();
  assert.equal(usersFor(`${"a".repeat(60)}:5000/app`, entries).length, 0);
  assert.equal(usersFor("localhost/app", entries).length, 16);
  assert.ok(performance.now() - started < 1_000);
});

function entry(place: string, username = place): RegistryEntry {
  return { place, credentials: { username, password: "" } };
}

function usersFor(image: string, entries: readonly RegistryEntry[]): string[] {
  return credentialsFor(parseImageReference(image), entries).map(({ username }) => username);
}
