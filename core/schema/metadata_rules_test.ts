import assert from "node:assert/strict";
import type { OwnerReference } from "./metadata.ts";
import { type MetadataDraft, type MetadataRules, validateMetadata } from "./metadata_rules.ts";
import { labelNameFaults } from "./names.ts";

const good: MetadataDraft = {
  name: "web",
  namespace: "default",
  uid: "1",
  generation: 2,
  labels: { app: "web" },
};
const namespaced: MetadataRules = { namespaced: true };

function said(
  next: MetadataDraft,
  previous?: MetadataDraft,
  rules: MetadataRules = namespaced,
): string[] {
  return validateMetadata(next, previous, rules).map(({ field, message }) =>
    `${field}: ${message}`
  );
}

Deno.test("good metadata passes, new and unchanged", () => {
  assert.deepEqual(said(good), []);
  assert.deepEqual(said(good, good), []);
  assert.deepEqual(said({ ...good, generateName: "web-" }), []);
});

Deno.test("a new object needs a good name, and a namespace where its kind has them", () => {
  assert.deepEqual(said({ namespace: "default" }), [
    "metadata.name: Required value: name or generateName is required",
  ]);
  assert.deepEqual(said({ name: "a" }), ["metadata.namespace: Required value"]);
  assert.deepEqual(said({ name: "a", namespace: "b" }, undefined, { namespaced: false }), [
    "metadata.namespace: Forbidden: not allowed on this type",
  ]);
  assert.match(
    said({ ...good, name: "Web" })[0]!,
    /^metadata\.name: Invalid value: "Web": a lowercase RFC 1123 subdomain/,
  );
  assert.match(
    said({ ...good, generateName: "Web-" })[0]!,
    /^metadata\.generateName: Invalid value: "Web-"/,
  );
  assert.match(
    said({ ...good, namespace: "a.b" })[0]!,
    /^metadata\.namespace: .*must not contain dots/,
  );
  const rules = { namespaced: true, nameFaults: labelNameFaults };
  assert.match(said({ ...good, name: "a.b" }, undefined, rules)[0]!, /must not contain dots/);
});

Deno.test("labels and annotations have qualified names and bounded sizes", () => {
  assert.match(
    said({ ...good, labels: { "-a": "b" } })[0]!,
    /^metadata\.labels: Invalid value: "-a": name part/,
  );
  assert.match(
    said({ ...good, labels: { a: "b c" } })[0]!,
    /^metadata\.labels: Invalid value: "b c": a valid label/,
  );
  assert.deepEqual(said({ ...good, annotations: { "Example.com/A": "any text at all" } }), []);
  assert.match(
    said({ ...good, annotations: { "a/b/c": "" } })[0]!,
    /^metadata\.annotations: Invalid value: "a\/b\/c": a qualified name/,
  );
  const size = (bytes: number) => ({ ...good, annotations: { a: "x".repeat(bytes - 1) } });
  assert.deepEqual(said(size(262_144)), []);
  assert.deepEqual(said(size(262_145)), [
    "metadata.annotations: Too long: may not be more than 262144 bytes",
  ]);
  assert.equal(said({ ...good, annotations: { a: "é".repeat(131_072) } }).length, 1);
});

Deno.test("what the server has set, and the name, never change", () => {
  for (const field of ["name", "namespace", "uid", "creationTimestamp"] as const) {
    assert.deepEqual(said({ ...good, [field]: "x" }, good), [
      `metadata.${field}: Invalid value: "x": field is immutable`,
    ]);
  }
  assert.deepEqual(said({ ...good, generation: 1 }, good), [
    "metadata.generation: Invalid value: 1: must not be decremented",
  ]);
});

Deno.test("an object has at most one controller, and no Event for an owner", () => {
  const owner = (name: string, more: Partial<OwnerReference> = {}): OwnerReference => ({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    name,
    uid: name,
    ...more,
  });
  const controllers = ["a", "b"].map((name) => owner(name, { controller: true }));
  assert.match(
    said({ ...good, ownerReferences: controllers })[0]!,
    /Only one reference can have Controller set to true\. Found "true" in references for ReplicaSet\/a and ReplicaSet\/b$/,
  );
  assert.deepEqual(said({ ...good, ownerReferences: [owner("a"), controllers[1]!] }), []);
  const event = owner("a", { apiVersion: "v1", kind: "Event" });
  assert.match(
    said({ ...good, ownerReferences: [event] })[0]!,
    /\/v1, Kind=Event is disallowed from being an owner$/,
  );
});

Deno.test("finalizers have qualified names, and none is added during deletion", () => {
  assert.match(
    said({ ...good, finalizers: ["-"] })[0]!,
    /^metadata\.finalizers: Invalid value: "-"/,
  );
  assert.deepEqual(said({ ...good, finalizers: ["orphan", "foregroundDeletion"] }), [
    'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
  ]);
  const going = { ...good, deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["a/b"] };
  assert.deepEqual(said({ ...going, finalizers: [] }, going), []);
  assert.deepEqual(said({ ...going, finalizers: ["a/b", "c/d"] }, going), [
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d"}',
  ]);
});
