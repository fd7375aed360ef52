import assert from "node:assert/strict";
import { check } from "../schema/check.ts";
import { configMaps } from "./core/config_maps.ts";
import { endpointSlices } from "./discovery/endpoint_slices.ts";
import { type Event, events } from "./events/events.ts";
import { leases } from "./coordination/leases.ts";
import { RESOURCES } from "./mod.ts";
import { namespaces } from "./core/namespaces.ts";
import { nodes } from "./core/nodes/nodes.ts";
import { made, rowOf } from "./resource_fixture.ts";
import type { Schema } from "../schema/schema.ts";
import { secrets } from "./core/secrets.ts";

Deno.test("every kind is named once, and shows its columns", () => {
  const names = RESOURCES.map(({ group, plural }) => `${plural}.${group}`);
  assert.equal(new Set(names).size, names.length);
  for (const { kind, columns } of RESOURCES) assert.ok(columns.length > 1, kind);
});

Deno.test("every field of every kind is described", () => {
  const bare = new Set<string>();
  for (const { kind, schema, servedVersions } of RESOURCES) {
    for (const shape of [schema, ...servedVersions.map((served) => served.schema)]) {
      collectBare(shape, kind, bare);
    }
  }
  assert.deepEqual([...bare], []);
});

/** `seen`: a schema may contain itself. */
function collectBare(
  schema: Schema,
  path: string,
  bare: Set<string>,
  seen = new Set<Schema>(),
): void {
  if (seen.has(schema)) return;
  seen.add(schema);
  if (!schema.description) bare.add(path);
  const { items, additionalProperties, properties = {} } = schema;
  if (items) collectBare(items, `${path}[]`, bare, seen);
  if (additionalProperties) collectBare(additionalProperties, `${path}.*`, bare, seen);
  for (const [name, field] of Object.entries(properties)) {
    collectBare(field, `${path}.${name}`, bare, seen);
  }
}

Deno.test("a namespace is active and guarded by its finalizer from the start", () => {
  const { object } = made(namespaces, { apiVersion: "v1", kind: "Namespace" });
  assert.deepEqual(object.spec, { finalizers: ["kubernetes"] });
  assert.deepEqual(object.status, { phase: "Active" });
  assert.deepEqual(rowOf(namespaces, object), { Name: "web", Status: "Active", Age: "5m" });
});

Deno.test("a ConfigMap is refused for keys that are no files, duplicates, too much, and change when it is sealed", () => {
  const causesOf = (fields: object) =>
    made(configMaps, { apiVersion: "v1", kind: "ConfigMap", ...fields }).causes;
  assert.deepEqual(causesOf({ data: { "a/b": "" } }).map((cause) => cause.slice(0, 40)), [
    'data[a/b]: Invalid value: "a/b": a valid',
  ]);
  assert.deepEqual(causesOf({ data: { a: "" }, binaryData: { a: "" } }), [
    'data[a]: Invalid value: "a": duplicate of key present in binaryData',
    'binaryData[a]: Invalid value: "a": duplicate of key present in data',
  ]);
  assert.deepEqual(causesOf({ data: { a: "ä".repeat(512 * 1024) } }), []);
  assert.deepEqual(causesOf({ data: { a: "ä".repeat(512 * 1024), b: "x" } }), [
    "[]: Too long: may not be more than 1048576 bytes",
  ]);
  const sealed = made(configMaps, { data: { a: "1" }, immutable: true }).object;
  assert.deepEqual(made(configMaps, { data: { a: "2" } }, sealed).causes, [
    "immutable: Forbidden: field is immutable when `immutable` is set",
    "data: Forbidden: field is immutable when `immutable` is set",
  ]);
});

Deno.test("the texts of a Secret become its data, and are never kept", () => {
  const { object } = made(secrets, { data: { a: "MQ==", b: "Mg==" }, stringData: { b: "ü" } });
  assert.deepEqual(object.data, { a: "MQ==", b: "w7w=" });
  assert.equal("stringData" in object, false);
  assert.deepEqual(rowOf(secrets, object), { Name: "web", Type: "Opaque", Data: 2, Age: "5m" });
});

for (
  const [type, data, causes] of [
    ["kubernetes.io/tls", { "tls.crt": "" }, ["data[tls.key]: Required value"]],
    ["kubernetes.io/basic-auth", {}, [
      "data[username]: Required value",
      "data[password]: Required value",
    ]],
    ["kubernetes.io/basic-auth", { username: "YQ==" }, []],
    ["kubernetes.io/ssh-auth", {}, ["data[ssh-privatekey]: Required value"]],
    ["kubernetes.io/dockerconfigjson", { ".dockerconfigjson": "YQ==" }, [
      'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": must be valid JSON',
    ]],
    ["example.com/mine", {}, []],
  ] as const
) {
  Deno.test(`a Secret of type ${type} with ${JSON.stringify(data)} has ${causes.length} faults`, () => {
    assert.deepEqual(made(secrets, { type, data }).causes, causes);
  });
}

Deno.test("the type of a Secret cannot change", () => {
  const previous = made(secrets, { type: "a" }).object;
  assert.deepEqual(made(secrets, { type: "b" }, previous).causes, [
    'type: Invalid value: "b": field is immutable',
  ]);
});

const crash = {
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: "web.1" },
  involvedObject: {
    kind: "Pod",
    namespace: "default",
    name: "web",
    fieldPath: "spec.containers{web}",
  },
  reason: "BackOff",
  message: "Back-off restarting failed container",
  source: { component: "kubelet", host: "n1" },
  firstTimestamp: "2026-01-01T00:00:00Z",
  lastTimestamp: "2026-01-01T00:04:00Z",
  count: 4,
  type: "Warning",
};

Deno.test("kubectl shows an event with the age of its last time", () => {
  const { object, causes } = made(events, crash);
  assert.deepEqual(causes, []);
  assert.deepEqual(rowOf(events, object, { wide: true }), {
    "Last Seen": "60s",
    Type: "Warning",
    Reason: "BackOff",
    Object: "pod/web",
    Subobject: "spec.containers{web}",
    Source: "kubelet, n1",
    Message: "Back-off restarting failed container",
    "First Seen": "5m",
    Count: 4,
    Name: "web.1",
  });
});

Deno.test("an event is the same in both of its groups", () => {
  const { object } = made(events, crash);
  const [served] = events.servedVersions;
  const shown = served!.fromStored(object) as Record<string, unknown>;
  assert.equal(shown["apiVersion"], "events.k8s.io/v1");
  assert.deepEqual(shown["regarding"], crash.involvedObject);
  assert.equal(shown["note"], crash.message);
  assert.equal(shown["deprecatedCount"], 4);
  const { value, unknown } = check(served!.schema, structuredClone(shown));
  assert.deepEqual(unknown, []);
  assert.deepEqual(served!.toStored(value), object as Event);
});

Deno.test("an event belongs into the namespace of its object, or into default", () => {
  const { causes } = made(events, { ...crash, metadata: { name: "a", namespace: "other" } });
  assert.deepEqual(causes, [
    'involvedObject.namespace: Invalid value: "default": does not match event.namespace',
  ]);
  assert.deepEqual(
    made(events, { ...crash, involvedObject: { kind: "Node", name: "n1" } }).causes,
    [],
  );
});

Deno.test("kubectl shows a node with its state, roles and addresses", () => {
  const { object } = made(nodes, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { labels: { "node-role.kubernetes.io/control-plane": "" } },
    spec: { unschedulable: true },
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
      nodeInfo: { kubeletVersion: "v1.34.0-coracle" },
    },
  });
  assert.deepEqual(rowOf(nodes, object, { wide: true }), {
    Name: "web",
    Status: "Ready,SchedulingDisabled",
    Roles: "control-plane",
    Age: "5m",
    Version: "v1.34.0-coracle",
    "Internal-IP": "10.0.0.1",
    "External-IP": "<none>",
    "OS-Image": "<unknown>",
    "Kernel-Version": "<unknown>",
    "Container-Runtime": "<unknown>",
  });
  assert.equal(nodes.fields["spec.unschedulable"]!(object), "true");
});

Deno.test("a node is refused for one taint twice, and for another range of addresses", () => {
  const taint = { key: "a", effect: "NoSchedule" };
  const { object, causes } = made(nodes, {
    spec: { taints: [taint, taint], podCIDRs: ["10.1.0.0/24"] },
  });
  assert.deepEqual(causes, [
    'spec.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}: taints must be unique by key and effect pair',
  ]);
  assert.deepEqual(made(nodes, { spec: { podCIDRs: ["10.2.0.0/24"] } }, object).causes, [
    'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
  ]);
});

Deno.test("kubectl shows an EndpointSlice with its first addresses, and it is found by its Service", () => {
  const { object } = made(endpointSlices, {
    metadata: { labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ port: 80 }],
    endpoints: [1, 2, 3, 4].map((n) => ({ addresses: [`10.0.0.${n}`] })),
  });
  assert.deepEqual(rowOf(endpointSlices, object), {
    Name: "web",
    AddressType: "IPv4",
    Ports: "80",
    Endpoints: "10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...",
    Age: "5m",
  });
  assert.deepEqual(endpointSlices.indexes["service"]!(object), ["default/web"]);
  assert.deepEqual(object.ports, [{ name: "", port: 80, protocol: "TCP" }]);
});

Deno.test("a lease shows its holder, and is kept in memory only", () => {
  const { object } = made(leases, { spec: { holderIdentity: "n1", leaseDurationSeconds: 40 } });
  assert.deepEqual(rowOf(leases, object), { Name: "web", Holder: "n1", Age: "5m" });
  assert.equal(leases.volatile, true);
});

Deno.test("an empty key is none", () => {
  const fault =
    "data[]: Invalid value: \"\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  assert.deepEqual(made(secrets, { data: { "": "YQ==" } }).causes, [fault]);
  assert.deepEqual(made(configMaps, { data: { "": "a" } }).causes, [fault]);
});
