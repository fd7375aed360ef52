import assert from "node:assert/strict";
import { made, rowOf } from "../resource_fixture.ts";
import { controllerRevisions } from "./controller_revisions.ts";
import { type DaemonSet, daemonSets } from "./daemon_sets.ts";
import { statefulSets } from "./stateful_sets.ts";

const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "web:1" }] },
};
const set = { spec: { selector: { matchLabels: { app: "web" } }, template } };
const claims = [{ metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } }];

function statefulSetCauses(change: object, previous?: object): string[] {
  const before = previous && made(statefulSets, { spec: { ...set.spec, ...previous } }).object;
  return made(statefulSets, { spec: { ...set.spec, ...change } }, before).causes;
}

Deno.test("a StatefulSet gets the defaults of Kubernetes", () => {
  const { object, causes, warnings } = made(statefulSets, {
    spec: { ...set.spec, volumeClaimTemplates: claims },
  });
  assert.deepEqual(causes, []);
  assert.deepEqual(warnings, []);
  const { selector: _, template: _1, ...spec } = object.spec;
  assert.deepEqual(spec, {
    replicas: 1,
    serviceName: "",
    podManagementPolicy: "OrderedReady",
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
    revisionHistoryLimit: 10,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    volumeClaimTemplates: [{
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data" },
      spec: { accessModes: ["ReadWriteOnce"], resources: {}, volumeMode: "Filesystem" },
      status: { phase: "Pending" },
    }],
  });
  assert.deepEqual(object.status, { replicas: 0, availableReplicas: 0 });
  assert.deepEqual(made(statefulSets, object, object).warnings, []);
});

Deno.test("what a StatefulSet replaces with is kept only where it means something", () => {
  const strategyOf = (updateStrategy: object) =>
    made(statefulSets, { spec: { ...set.spec, updateStrategy } }).object.spec.updateStrategy;
  assert.deepEqual(strategyOf({ type: "RollingUpdate" }), { type: "RollingUpdate" });
  assert.deepEqual(strategyOf({ rollingUpdate: { maxUnavailable: 1 } }), {
    type: "RollingUpdate",
    rollingUpdate: { partition: 0, maxUnavailable: 1 },
  });
  assert.deepEqual(strategyOf({ type: "OnDelete" }), { type: "OnDelete" });
});

for (
  const [name, change, causes] of [
    ["another policy", { podManagementPolicy: "Both" }, [
      "spec.podManagementPolicy: Invalid value: \"Both\": must be 'OrderedReady' or 'Parallel'",
    ]],
    ["another strategy", { updateStrategy: { type: "Recreate" } }, [
      "spec.updateStrategy: Invalid value: {\"type\":\"Recreate\"}: must be 'RollingUpdate' or 'OnDelete'",
    ]],
    ["bounds that are not used", {
      updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } },
    }, [
      "spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed for updateStrategy 'RollingUpdate'",
    ]],
    ["no pod that may be missing", {
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0 } },
    }, [
      "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0",
    ]],
    ["more than all pods that may be missing", {
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "101%" } },
    }, [
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ]],
    ["a Service that is no name", { serviceName: "A.b" }, [
      "spec.serviceName: Invalid value: \"A.b\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ]],
    ["a deadline", {
      template: { ...template, spec: { ...template.spec, activeDeadlineSeconds: 5 } },
    }, [
      "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported",
    ]],
    ["an empty selector", { selector: {} }, [
      "spec.selector: Invalid value: {}: empty selector is invalid for statefulset",
    ]],
  ] as const
) {
  Deno.test(`a StatefulSet is refused for ${name}`, () => {
    assert.deepEqual(statefulSetCauses(change), causes);
  });
}

Deno.test("pods of a StatefulSet mount the claims of its templates", () => {
  const mounting = {
    ...template,
    spec: {
      containers: [{
        name: "web",
        image: "web:1",
        volumeMounts: [{ name: "data", mountPath: "/data" }],
      }],
    },
  };
  assert.deepEqual(
    statefulSetCauses({ template: mounting, volumeClaimTemplates: claims }),
    [],
  );
  assert.deepEqual(statefulSetCauses({ template: mounting }), [
    'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"',
  ]);
});

Deno.test("most of a StatefulSet cannot change", () => {
  assert.deepEqual(statefulSetCauses({ serviceName: "b" }, { serviceName: "a" }), [
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
  ]);
  const changed = { replicas: 3, ordinals: { start: 1 }, minReadySeconds: 1 };
  assert.deepEqual(statefulSetCauses(changed, {}), []);
});

Deno.test("the status of a StatefulSet has to add up", () => {
  const { object } = made(statefulSets, set);
  const status = { ...object.status, replicas: 1, readyReplicas: 2, availableReplicas: 3 };
  const messages = statefulSets.validateStatus!({ ...object, status }, {
    ...object,
    status: { ...object.status, collisionCount: 2 },
  }).map(({ field, message }) => `${field}: ${message}`);
  assert.deepEqual(messages, [
    "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas",
    "status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas",
    "status.availableReplicas: Invalid value: 3: cannot be greater than status.readyReplicas",
    "status.collisionCount: Invalid value: 0: cannot be decremented",
  ]);
});

Deno.test("a DaemonSet counts the changes of its template, whatever its manifest says", () => {
  const annotation = "deprecated.daemonset.template.generation";
  const generationOf = (more: object, previous?: DaemonSet) =>
    made(daemonSets, { ...set, ...more }, previous).object.metadata.annotations?.[annotation];
  const saying = (value: string) => ({ metadata: { annotations: { [annotation]: value } } });
  const changed = {
    spec: { ...set.spec, template: { ...template, metadata: { labels: { app: "web", a: "b" } } } },
  };
  assert.equal(generationOf({}), "1");
  assert.equal(generationOf(saying("7")), "7");
  assert.equal(generationOf(saying("0")), "1");
  assert.equal(generationOf(saying("no number")), "1");
  const { object } = made(daemonSets, { ...set, ...saying("7") });
  assert.equal(generationOf(saying("3"), object), "7");
  assert.equal(generationOf({}, object), "7");
  assert.equal(generationOf(changed, object), "8");
});

Deno.test("a DaemonSet gets the defaults of Kubernetes, and kubectl shows it", () => {
  const { object, causes, warnings } = made(daemonSets, set);
  assert.deepEqual([causes, warnings], [[], []]);
  assert.deepEqual(object.spec.updateStrategy, {
    type: "RollingUpdate",
    rollingUpdate: { maxUnavailable: 1, maxSurge: 0 },
  });
  assert.deepEqual(rowOf(daemonSets, object), {
    Name: "web",
    Desired: 0,
    Current: 0,
    Ready: 0,
    "Up-to-date": 0,
    Available: 0,
    "Node Selector": "<none>",
    Age: "5m",
  });
});

for (
  const [rollingUpdate, causes] of [
    [{ maxUnavailable: 0 }, [
      "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
    ]],
    [{ maxSurge: 1 }, [
      "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero",
    ]],
    [{ maxUnavailable: 0, maxSurge: "101%" }, [
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: "101%": must not be greater than 100%',
    ]],
  ] as const
) {
  Deno.test(`a DaemonSet is refused for ${JSON.stringify(rollingUpdate)}`, () => {
    const spec = { ...set.spec, updateStrategy: { rollingUpdate } };
    assert.deepEqual(made(daemonSets, { spec }).causes, causes);
  });
}

Deno.test("a ControllerRevision holds an object that never changes", () => {
  const ownerReferences = [
    { apiVersion: "apps/v1", kind: "StatefulSet", name: "web", uid: "u", controller: true },
  ];
  const { object, causes } = made(controllerRevisions, {
    metadata: { ownerReferences },
    data: { spec: { a: 1 } },
    revision: 2,
  });
  assert.deepEqual(causes, []);
  assert.deepEqual(rowOf(controllerRevisions, object), {
    Name: "web",
    Controller: "statefulset.apps/web",
    Revision: "2",
    Age: "5m",
  });
  assert.deepEqual(made(controllerRevisions, { ...object, revision: 3 }, object).causes, []);
  assert.deepEqual(made(controllerRevisions, { ...object, data: {} }, object).causes, [
    "data: Invalid value: {}: field is immutable",
  ]);
  assert.deepEqual(made(controllerRevisions, {}).causes, [
    "data: Required value: data is mandatory",
  ]);
  assert.deepEqual(made(controllerRevisions, { data: [1] }).causes, [
    "data: Required value: data must be a valid JSON object",
  ]);
});
