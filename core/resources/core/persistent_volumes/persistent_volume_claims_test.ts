import assert from "node:assert/strict";
import { made, rowOf } from "../../resource_fixture.ts";
import { type PersistentVolumeClaim, persistentVolumeClaims } from "./persistent_volume_claims.ts";

const sized = (storage: string) => ({ resources: { requests: { storage } } });
const base = { accessModes: ["ReadWriteOnce"], ...sized("2Gi") };
const IMMUTABLE =
  "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

function claim(spec: object, fields: object = {}): PersistentVolumeClaim {
  return made(persistentVolumeClaims, { spec: { ...base, ...spec }, ...fields }).object;
}

/** What is created, and what is wrong: as a real kube-apiserver 1.34.4 answers. */
const NEW: [string, object, string[]][] = [
  ["nothing", {}, [
    "spec.accessModes: Required value: at least 1 access mode is required",
    "spec.resources[storage]: Required value",
  ]],
  ["no size", { ...base, ...sized("0") }, [
    'spec.resources[storage]: Invalid value: "0": must be greater than zero',
  ]],
  ["an empty class", { ...base, storageClassName: "" }, []],
  ["a source of no group", { ...base, dataSourceRef: { kind: "V", name: "x" } }, [
    "spec.dataSource: Invalid value: \"V\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
    "spec.dataSourceRef: Invalid value: \"V\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
  ]],
  ["two sources", {
    ...base,
    dataSource: { kind: "VolumeSnapshot", name: "x", apiGroup: "snapshot.storage.k8s.io" },
    dataSourceRef: { kind: "V", name: "x", apiGroup: "a.b" },
  }, ["spec: Invalid value: {}: must match dataSourceRef"]],
];

for (const [what, spec, expected] of NEW) {
  Deno.test(`a PersistentVolumeClaim with ${what} has ${expected.length} faults`, () => {
    assert.deepEqual(made(persistentVolumeClaims, { spec }).causes, expected);
  });
}

const bound = { phase: "Bound", capacity: { storage: "1Gi" } };
const LESS =
  "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity";

/** What is changed of the spec, in what state, and what is wrong. */
const CHANGES: [string, object, object, object, string[]][] = [
  ["its modes", { accessModes: ["ReadWriteMany"] }, {}, {}, [IMMUTABLE]],
  ["its size before it is bound", sized("3Gi"), {}, {}, [IMMUTABLE]],
  ["its size when it is bound", sized("3Gi"), {}, bound, []],
  ["its size to what it has", sized("1Gi"), {}, bound, [LESS]],
  ["its size to less, but more than it has", sized("1500Mi"), {}, bound, []],
  ["its volume, when it has none", { volumeName: "v" }, {}, {}, []],
  ["its volume", { volumeName: "w" }, { volumeName: "v" }, {}, [IMMUTABLE]],
  ["its class, when it had none", { storageClassName: "a" }, {}, {}, []],
  ["its class", { storageClassName: "b" }, { storageClassName: "a" }, {}, [IMMUTABLE]],
  ["its attributes when it is bound", { volumeAttributesClassName: "a" }, {}, bound, []],
  ["its attributes before", { volumeAttributesClassName: "a" }, {}, {}, [IMMUTABLE]],
  ["its attributes to none", {}, { volumeAttributesClassName: "a" }, {
    ...bound,
    currentVolumeAttributesClassName: "a",
  }, [
    "spec.volumeAttributesClassName: Forbidden: update to nil is forbidden when status.currentVolumeAttributesClassName is not nil",
  ]],
];

for (const [what, change, before, status, expected] of CHANGES) {
  Deno.test(`a claim that changes ${what} has ${expected.length} faults`, () => {
    const previous = claim(before, { status });
    const { causes } = made(
      persistentVolumeClaims,
      { spec: { ...base, ...change }, status: previous.status },
      previous,
    );
    assert.deepEqual(causes, expected);
  });
}

Deno.test("the two fields for where a claim's contents come from are made from each other", () => {
  const own = { kind: "PersistentVolumeClaim", name: "x" };
  const other = { kind: "V", name: "x", apiGroup: "a.b" };
  const sources = (spec: object) => {
    const { dataSource, dataSourceRef } = claim(spec).spec;
    return { dataSource, dataSourceRef };
  };
  assert.deepEqual(sources({ dataSource: own }), { dataSource: own, dataSourceRef: own });
  assert.deepEqual(sources({ dataSourceRef: other }), { dataSource: other, dataSourceRef: other });
  const nothing = { dataSource: undefined, dataSourceRef: undefined };
  assert.deepEqual(sources({ dataSource: other }), nothing);
  assert.deepEqual(sources({ dataSourceRef: { ...other, namespace: "n" } }), nothing);
});

Deno.test("a claim shows its volume only when it has one", () => {
  const waiting = claim({ storageClassName: "fast" });
  assert.deepEqual(Object.values(rowOf(persistentVolumeClaims, waiting, { wide: true })), [
    "web",
    "Pending",
    undefined,
    "",
    "",
    "fast",
    "<unset>",
    "5m",
    "Filesystem",
  ]);
  const status = { ...bound, accessModes: ["ReadWriteMany", "ReadWriteOnce"] };
  const row = rowOf(persistentVolumeClaims, claim({ volumeName: "v" }, { status }));
  assert.deepEqual([row["Volume"], row["Capacity"], row["Access Modes"]], ["v", "1Gi", "RWO,RWX"]);
});

Deno.test("the status of a claim is checked too", () => {
  const status = {
    phase: "Bound",
    capacity: { storage: "-1" },
    allocatedResources: { cpu: "1", "example.com/x": "1" },
    allocatedResourceStatuses: { storage: "x" },
  };
  const next = { ...claim({}), status };
  const causes = persistentVolumeClaims.validateStatus!(next, next);
  assert.deepEqual(causes.map(({ field }) => field), [
    "status.capacity[storage]",
    "status.allocatedResourceStatuses",
    "status.allocatedResources",
  ]);
});
