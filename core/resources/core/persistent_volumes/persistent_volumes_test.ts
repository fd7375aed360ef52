import assert from "node:assert/strict";
import { VirtualClock } from "../../../lib/virtual_clock.ts";
import type { AdmissionContext } from "../../admission.ts";
import { made, rowOf } from "../../resource_fixture.ts";
import { volumeAttachments } from "../../storage/volume_attachments.ts";
import { type PersistentVolume, persistentVolumes } from "./persistent_volumes.ts";

const base = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"] };
const hostPath = { path: "/x" };
const local = { path: "/a" };
const csi = { driver: "d.e", volumeHandle: "h" };
const onNode = (...matchExpressions: object[]) => ({
  nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
});

/** What is created, what is there already, and what is wrong: as a real kube-apiserver 1.34.4 answers. */
const CASES: [string, object, object | undefined, string[]][] = [
  ["nothing", {}, undefined, [
    "spec.capacity: Required value",
    'spec.capacity: Unsupported value: null: supported values: "storage"',
    "spec.accessModes: Required value",
    "spec: Required value: must specify a volume type",
  ]],
  [
    "odd modes",
    { ...base, hostPath, accessModes: ["x", "ReadWriteOncePod", "ReadOnlyMany"] },
    undefined,
    [
      'spec.accessModes: Unsupported value: "x": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
    ],
  ],
  ["two sources", { ...base, hostPath, cephfs: { monitors: ["a"] }, csi }, undefined, [
    "spec.cephFS: Forbidden: may not specify more than 1 volume type",
    "spec.csi: Forbidden: may not specify more than 1 volume type",
  ]],
  ["a debt", { ...base, capacity: { storage: "-1" }, hostPath }, undefined, [
    "spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
    'spec.capacity[storage]: Invalid value: "-1": must be greater than zero',
  ]],
  ["a local one anywhere", { ...base, local }, undefined, [
    "spec.nodeAffinity: Required value: Local volume requires node affinity",
  ]],
  [
    "odd nodes",
    { ...base, local, ...onNode({ key: "a b", operator: "In" }, { key: "x", operator: "Gt" }) },
    undefined,
    [
      "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[1].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
    ],
  ],
  [
    "the root",
    { ...base, hostPath: { path: "/./" }, persistentVolumeReclaimPolicy: "Recycle" },
    undefined,
    [
      "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
    ],
  ],
  ["a path upwards", { ...base, hostPath: { path: "/a/../b" } }, undefined, [
    "spec.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
  ]],
  ["attributes without CSI", { ...base, hostPath, volumeAttributesClassName: "" }, undefined, [
    "spec.volumeAttributesClassName: Required value: an empty string is disallowed",
    "spec.csi: Required value: has to be specified when using volumeAttributesClassName",
  ]],
  [
    "a secret without namespace",
    { ...base, csi: { ...csi, nodePublishSecretRef: { name: "a" } } },
    undefined,
    [
      "spec.csi.nodePublishSecretRef.namespace: Required value",
    ],
  ],
  [
    "an initiator",
    {
      ...base,
      iscsi: {
        targetPortal: "1.2.3.4",
        iqn: "x",
        chapAuthSession: true,
        initiatorName: "iqn.2001-04.com.example:y",
      },
    },
    undefined,
    [
      'spec.iscsi.iqn: Invalid value: "x": must be valid format',
      "spec.iscsi.secretRef: Required value",
    ],
  ],
  ["another source", { ...base, hostPath: { path: "/y" }, volumeMode: "Block" }, {
    ...base,
    hostPath,
  }, [
    "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation",
    'volumeMode: Invalid value: "Block": field is immutable',
  ]],
  [
    "a secret for expansion",
    { ...base, csi: { ...csi, controllerExpandSecretRef: { name: "a", namespace: "b" } } },
    { ...base, csi },
    [],
  ],
];

for (const [what, spec, before, expected] of CASES) {
  Deno.test(`a PersistentVolume with ${what} has ${expected.length} faults`, () => {
    const previous = before && made(persistentVolumes, { spec: before }).object;
    assert.deepEqual(made(persistentVolumes, { spec }, previous).causes, expected);
  });
}

Deno.test("a volume has Kubernetes' columns, and warns of what is deprecated", () => {
  const { object, warnings } = made(persistentVolumes, {
    metadata: { annotations: { "volume.beta.kubernetes.io/storage-class": "old" } },
    spec: {
      ...base,
      rbd: { monitors: ["a"], image: "i" },
      claimRef: { namespace: "n", name: "c" },
      persistentVolumeReclaimPolicy: "Recycle",
    },
  });
  assert.deepEqual(Object.values(rowOf(persistentVolumes, object, { wide: true })), [
    "web",
    "1Gi",
    "RWO",
    "Recycle",
    "Pending",
    "n/c",
    "old",
    "<unset>",
    undefined,
    "5m",
    "Filesystem",
  ]);
  assert.deepEqual(warnings.slice(1), [
    "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
    "spec.rbd: deprecated in v1.28, non-functional in v1.31+",
  ]);
});

Deno.test("the time of a volume's phase is that of its last change", () => {
  const admitAt = (next: PersistentVolume, previous: PersistentVolume | undefined, now: string) =>
    persistentVolumes.admit!(
      next,
      previous,
      { settings: { clock: new VirtualClock(Date.parse(now)) } } as unknown as AdmissionContext<
        PersistentVolume
      >,
    );
  const { object } = made(persistentVolumes, { spec: { ...base, hostPath } });
  const timeOf = ({ status }: PersistentVolume) => status.lastPhaseTransitionTime;
  const first = admitAt(object, undefined, "2026-01-01T00:00:00Z");
  assert.equal(timeOf(first), "2026-01-01T00:00:00Z");
  const same = admitAt({ ...first, status: { phase: "Pending" } }, first, "2026-01-02T00:00:00Z");
  assert.equal(timeOf(same), "2026-01-01T00:00:00Z");
  const bound = { ...first, status: { ...first.status, phase: "Bound" } };
  assert.equal(timeOf(admitAt(bound, first, "2026-01-03T00:00:00Z")), "2026-01-03T00:00:00Z");
  const own = { phase: "Bound", lastPhaseTransitionTime: "2020-01-01T00:00:00Z" };
  const said = admitAt({ ...first, status: own }, first, "2026-01-03T00:00:00Z");
  assert.equal(timeOf(said), "2020-01-01T00:00:00Z");
});

Deno.test("a VolumeAttachment names one volume, which may be described on the spot, and stays as it is", () => {
  const attach = (source: object) => ({ spec: { attacher: "d.e", nodeName: "n", source } });
  const causesOf = (source: object) => made(volumeAttachments, attach(source)).causes;
  const rule = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  assert.deepEqual(causesOf({}), [`spec.source: Required value: ${rule}`]);
  assert.deepEqual(causesOf({ persistentVolumeName: "v", inlineVolumeSpec: {} }), [
    `spec.source: Forbidden: ${rule}`,
  ]);
  assert.deepEqual(causesOf({ inlineVolumeSpec: { accessModes: ["ReadWriteOnce"], csi } }), []);
  assert.deepEqual(causesOf({ inlineVolumeSpec: { ...base, hostPath, volumeMode: "Block" } }), [
    "spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline volumes",
    "spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes",
    "spec.source.inlineVolumeSpec.volumeMode: Forbidden: may not specify volumeMode other than Filesystem in the context of inline volumes",
  ]);
  const { object } = made(volumeAttachments, attach({ persistentVolumeName: "v" }));
  const moved = { ...object, spec: { ...object.spec, nodeName: "m" } };
  assert.match(
    made(volumeAttachments, moved, object).causes[0]!,
    /^spec: Invalid value: .*field is immutable$/,
  );
});
