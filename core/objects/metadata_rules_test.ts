import assert from "node:assert/strict";
import { configMaps } from "../resources/config_maps.ts";
import type { ObjectMeta } from "../resources/metadata.ts";
import { namespaces } from "../resources/namespaces.ts";
import type { AnyResource } from "../resources/resource.ts";
import { services } from "../resources/services.ts";
import { metadataCauses } from "./metadata_rules.ts";

const owner = { apiVersion: "v1", kind: "Pod", name: "a", uid: "1", controller: true };

/** Metadata, and the start of each cause. */
const CASES: [AnyResource, Partial<ObjectMeta>, string[]][] = [
  [configMaps, { name: "a.b-c" }, []],
  [configMaps, { name: "" }, ["metadata.name: Required value: name or generateName is required"]],
  [configMaps, { name: "../x" }, [
    'metadata.name: Invalid value: "../x": a lowercase RFC 1123 subdomain',
  ]],
  [configMaps, { name: "A" }, ['metadata.name: Invalid value: "A"']],
  [namespaces, { name: "a.b" }, ['metadata.name: Invalid value: "a.b": must not contain dots']],
  [services, { name: "1a" }, ['metadata.name: Invalid value: "1a": a DNS-1035 label']],
  [configMaps, { generateName: "a-", name: "a-bcdfg" }, []],
  [configMaps, { generateName: "A_", name: "A_bcdfg" }, [
    'metadata.generateName: Invalid value: "A_"',
  ]],
  [configMaps, { namespace: "A" }, ['metadata.namespace: Invalid value: "A"']],
  [configMaps, { labels: { "a/b": "c", "": "d", e: "-" } }, [
    'metadata.labels: Invalid value: "": name part must be non-empty',
    'metadata.labels: Invalid value: "": name part must consist of',
    'metadata.labels: Invalid value: "-": a valid label must be',
  ]],
  [configMaps, { annotations: { "A/b": "any text" } }, []],
  [configMaps, { annotations: { a: "é".repeat(131_073) } }, [
    "metadata.annotations: Too long: may not be more than 262144 bytes",
  ]],
  [configMaps, { ownerReferences: [owner, { ...owner, uid: "2", controller: false }] }, []],
  [configMaps, { ownerReferences: [owner, { ...owner, name: "b" }] }, [
    "metadata.ownerReferences: Invalid value: ",
  ]],
  [configMaps, { ownerReferences: [{ ...owner, uid: "" }] }, [
    'metadata.ownerReferences[0].uid: Invalid value: "": must not be empty',
  ]],
  [configMaps, { finalizers: ["orphan", "example.com/a"] }, []],
  [configMaps, { finalizers: ["mine"] }, [
    'metadata.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
  ]],
  [configMaps, { finalizers: ["orphan", "foregroundDeletion"] }, [
    "metadata.finalizers: Invalid value: ",
  ]],
];

for (const [resource, given, wanted] of CASES) {
  Deno.test(`metadata ${JSON.stringify(given).slice(0, 60)} of ${resource.plural} has ${wanted.length} causes`, () => {
    const metadata = { name: "a", uid: "u", resourceVersion: "", creationTimestamp: "", ...given };
    const causes = metadataCauses(resource, metadata, undefined)
      .map(({ field, message }) => `${field}: ${message}`);
    assert.equal(causes.length, wanted.length, causes.join("\n"));
    wanted.forEach((start, i) => assert.ok(causes[i]!.startsWith(start), causes[i]));
  });
}
