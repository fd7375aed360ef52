import assert from "node:assert/strict";
import { made, rowOf } from "../resource_fixture.ts";
import type { AnyResource } from "../resource.ts";
import { csiDrivers } from "./csi_drivers.ts";
import { csiNodes } from "./csi_nodes.ts";
import { csiStorageCapacities } from "./csi_storage_capacities.ts";
import { storageClasses } from "./storage_classes.ts";
import { volumeAttributesClasses } from "./volume_attributes_classes.ts";

const fast = { provisioner: "example.com/fast" };
const topology = (key: string, values: string[]) => ({ matchLabelExpressions: [{ key, values }] });
const driver = { name: "d.example.com", nodeID: "n1", topologyKeys: ["zone"] };

/** The kind, what is created, what is there already, and what is wrong, cut after the words that tell. */
const CASES: [string, AnyResource, object, object | undefined, string[]][] = [
  ["a class without provisioner", storageClasses, {}, undefined, ["provisioner: Required value"]],
  [
    "a provisioner with capitals",
    storageClasses,
    { provisioner: "Example.com/Fast" },
    undefined,
    [],
  ],
  [
    "words that are none",
    storageClasses,
    { ...fast, reclaimPolicy: "Recycle", volumeBindingMode: "Later" },
    undefined,
    [
      'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
      'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
    ],
  ],
  [
    "topologies twice",
    storageClasses,
    {
      ...fast,
      allowedTopologies: [
        topology("zone", ["a", "b"]),
        topology("zone", ["b", "a"]),
        topology("zone", ["a", "a"]),
      ],
    },
    undefined,
    [
      'allowedTopologies[1].matchLabelExpressions: Duplicate value: ""',
      'allowedTopologies[2].matchLabelExpressions[0].values[1]: Duplicate value: "a"',
    ],
  ],
  [
    "changes of a class",
    storageClasses,
    {
      provisioner: "other",
      parameters: { a: "b" },
      reclaimPolicy: "Retain",
      volumeBindingMode: "WaitForFirstConsumer",
    },
    fast,
    [
      "parameters: Forbidden: updates to parameters are forbidden.",
      "provisioner: Forbidden: updates to provisioner are forbidden.",
      "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ],
  ],
  [
    "too many parameters",
    storageClasses,
    {
      ...fast,
      parameters: Object.fromEntries(Array.from({ length: 513 }, (_, i) => [`k${i}`, ""])),
    },
    undefined,
    ["parameters: Too long: may not be more than 512 bytes"],
  ],
  [
    "attributes without parameters",
    volumeAttributesClasses,
    { driverName: "d" },
    undefined,
    ["parameters: Required value: must contain at least one key/value pair"],
  ],
  [
    "changed attributes",
    volumeAttributesClasses,
    { driverName: "d", parameters: { a: "2" } },
    { driverName: "d", parameters: { a: "1" } },
    ["parameters: Forbidden: updates to parameters are forbidden."],
  ],
  [
    "a driver with odd words",
    csiDrivers,
    {
      spec: {
        volumeLifecycleModes: ["Forever"],
        fsGroupPolicy: "Some",
        tokenRequests: [{ audience: "a", expirationSeconds: 5 }, { audience: "a" }],
      },
    },
    undefined,
    [
      'spec.fsGroupPolicy: Unsupported value: "Some": supported values: "File", "None", "ReadWriteOnceWithFSType"',
      "spec.tokenRequests[0].expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes",
      'spec.tokenRequests[1].audience: Duplicate value: "a"',
      'spec.volumeLifecycleModes: Unsupported value: "Forever": supported values: "Persistent", "Ephemeral"',
    ],
  ],
  [
    "a driver that changes",
    csiDrivers,
    { spec: { attachRequired: false, podInfoOnMount: true } },
    { spec: {} },
    ["spec.attachedRequired: Invalid value: false: field is immutable"],
  ],
  [
    "drivers of a node",
    csiNodes,
    { spec: { drivers: [driver, { ...driver, nodeID: "", allocatable: { count: -1 } }] } },
    undefined,
    [
      "spec.drivers[1].nodeID: Required value",
      "spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0",
      'spec.drivers[1].name: Duplicate value: "d.example.com"',
    ],
  ],
  [
    "a node whose driver changes",
    csiNodes,
    { spec: { drivers: [{ ...driver, nodeID: "n2" }] } },
    { spec: { drivers: [driver] } },
    [
      'spec.drivers: Invalid value: {"name":"d.example.com","nodeID":"n2","topologyKeys":["zone"]}: field is immutable',
    ],
  ],
  [
    "room for another class",
    csiStorageCapacities,
    { storageClassName: "b", capacity: "-1Gi" },
    { storageClassName: "a" },
    [
      'capacity: Invalid value: "-1Gi": must be greater than or equal to 0',
      'storageClassName: Invalid value: "b": field is immutable',
    ],
  ],
];

for (const [what, resource, manifest, before, expected] of CASES) {
  Deno.test(`${resource.kind}: ${what}`, () => {
    const previous = before && made(resource, before).object;
    assert.deepEqual(made(resource, manifest, previous).causes, expected);
  });
}

Deno.test("classes and drivers have Kubernetes' defaults and columns", () => {
  const sc = made(storageClasses, {
    ...fast,
    metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
  });
  assert.deepEqual(rowOf(storageClasses, sc.object), {
    Name: "web (default)",
    Provisioner: "example.com/fast",
    ReclaimPolicy: "Delete",
    VolumeBindingMode: "Immediate",
    AllowVolumeExpansion: false,
    Age: "5m",
  });
  assert.deepEqual(sc.warnings, []);
  const csi = made(csiDrivers, { spec: { nodeAllocatableUpdatePeriodSeconds: 20 } }).object;
  assert.deepEqual(csi.spec, {
    attachRequired: true,
    podInfoOnMount: false,
    volumeLifecycleModes: ["Persistent"],
    storageCapacity: false,
    fsGroupPolicy: "ReadWriteOnceWithFSType",
    requiresRepublish: false,
    seLinuxMount: false,
  });
  assert.deepEqual(Object.values(rowOf(csiDrivers, csi)), [
    "web",
    true,
    false,
    false,
    "<unset>",
    false,
    "Persistent",
    "5m",
  ]);
});

Deno.test("a class that asks for a label of nodes with a new name is warned about", () => {
  const { warnings } = made(storageClasses, {
    ...fast,
    allowedTopologies: [topology("beta.kubernetes.io/os", ["linux"])],
  });
  assert.equal(
    warnings[0],
    'allowedTopologies[0].matchLabelExpressions[0].key: deprecated since v1.14; use "kubernetes.io/os" instead',
  );
});
