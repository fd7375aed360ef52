import assert from "node:assert/strict";
import type { DeleteOptions } from "../client/client.ts";
import { isRefusal } from "../client/api_error.ts";
import { configMaps } from "../resources/core/config_maps.ts";
import { namespaces } from "../resources/core/namespaces.ts";
import { pods } from "../resources/core/pods/pods.ts";
import { defineResource, type KubeObject } from "../resources/resource.ts";
import { object } from "../schema/schema.ts";
import { deletionOf, isDone } from "./deletion.ts";
import { freshObjects } from "./objects_fixture.ts";

const NOW_MS = Date.parse("2026-01-01T00:01:00Z");
const AT_30 = { deletionTimestamp: "2026-01-01T00:01:30Z", deletionGracePeriodSeconds: 30 };
const AT_9999 = {
  deletionTimestamp: "9999-12-31T23:59:59Z",
  deletionGracePeriodSeconds: Number.MAX_SAFE_INTEGER,
};

type Metadata = Partial<KubeObject["metadata"]>;
/** Name, the pod, the options, what of its metadata is new (or the word). */
const PODS: [
  string,
  { metadata?: Metadata; spec?: object; status?: object },
  DeleteOptions,
  Metadata | string,
][] = [
  ["on a node gets its own grace", {}, {}, { ...AT_30, generation: 2 }],
  ["gets the grace asked for", {}, { gracePeriodSeconds: 5 }, {
    deletionTimestamp: "2026-01-01T00:01:05Z",
    deletionGracePeriodSeconds: 5,
    generation: 2,
  }],
  ["goes at once with grace 0", {}, { gracePeriodSeconds: 0 }, "remove"],
  [
    "without a node goes at once",
    { spec: { nodeName: undefined } },
    { gracePeriodSeconds: 9 },
    "remove",
  ],
  ["that has ended goes at once", { status: { phase: "Succeeded" } }, {}, "remove"],
  ["gets a grace of centuries too", {}, { gracePeriodSeconds: Number.MAX_SAFE_INTEGER }, {
    deletionTimestamp: "9999-12-31T23:59:59Z",
    deletionGracePeriodSeconds: Number.MAX_SAFE_INTEGER,
    generation: 2,
  }],
  ["that is going for centuries can be hurried", { metadata: AT_9999 }, { gracePeriodSeconds: 9 }, {
    deletionTimestamp: "1970-01-01T00:00:00Z",
    deletionGracePeriodSeconds: 9,
  }],
  ["with a negative grace gets a second", {}, { gracePeriodSeconds: -1 }, {
    deletionTimestamp: "2026-01-01T00:01:01Z",
    deletionGracePeriodSeconds: 1,
    generation: 2,
  }],
  ["that is going stays so", { metadata: AT_30 }, {}, "nothing"],
  [
    "that is going gets no longer grace",
    { metadata: AT_30 },
    { gracePeriodSeconds: 60 },
    "nothing",
  ],
  ["that is going can be hurried", { metadata: AT_30 }, { gracePeriodSeconds: 10 }, {
    deletionTimestamp: "2026-01-01T00:01:10Z",
    deletionGracePeriodSeconds: 10,
  }],
  [
    "that is going is confirmed with grace 0",
    { metadata: AT_30 },
    { gracePeriodSeconds: 0 },
    "remove",
  ],
  ["gets its grace to the second, of an hour too", {}, { gracePeriodSeconds: 3600 }, {
    deletionTimestamp: "2026-01-01T01:01:00Z",
    deletionGracePeriodSeconds: 3600,
    generation: 2,
  }],
  [
    "that is going for an hour can be hurried to half of it",
    {
      metadata: { deletionTimestamp: "2026-01-01T01:01:00Z", deletionGracePeriodSeconds: 3600 },
    },
    { gracePeriodSeconds: 1800 },
    {
      deletionTimestamp: "2026-01-01T00:31:00Z",
      deletionGracePeriodSeconds: 1800,
    },
  ],
  [
    "that is marked without a grace is going at once",
    { metadata: { deletionTimestamp: "2026-01-01T00:01:00Z", finalizers: ["x"] } },
    { gracePeriodSeconds: 5 },
    "nothing",
  ],
  ["with a finalizer stays when confirmed", { metadata: { ...AT_30, finalizers: ["x"] } }, {
    gracePeriodSeconds: 0,
  }, { deletionTimestamp: "2026-01-01T00:01:00Z", deletionGracePeriodSeconds: 0 }],
];

for (const [name, given, options, wanted] of PODS) {
  Deno.test(`a pod ${name}`, () => {
    const object = {
      ...objectWith({ generation: 1, ...given.metadata }),
      spec: { nodeName: "n", terminationGracePeriodSeconds: 30, ...given.spec },
      status: { phase: "Running", ...given.status },
    };
    assertDeletion(deletionOf(pods, object, options, NOW_MS), object, wanted);
  });
}

const MARKED = { deletionTimestamp: "2026-01-01T00:01:00Z", deletionGracePeriodSeconds: 0 };
/** Name, metadata before, the options, what of the metadata is new (or the word). */
const OTHERS: [string, Metadata, DeleteOptions, Metadata | string][] = [
  ["goes at once", {}, {}, "remove"],
  ["has no grace", {}, { gracePeriodSeconds: 30 }, "remove"],
  ["with a finalizer is marked", { finalizers: ["x"] }, {}, MARKED],
  ["that is marked stays so", { finalizers: ["x"], ...MARKED }, {}, "nothing"],
  ["is held for its orphans", {}, { propagationPolicy: "Orphan" }, {
    ...MARKED,
    finalizers: ["orphan"],
  }],
  ["is held until its dependents are gone", { finalizers: ["x"] }, {
    propagationPolicy: "Foreground",
  }, {
    ...MARKED,
    finalizers: ["x", "foregroundDeletion"],
  }],
  [
    "forgets an earlier policy",
    { finalizers: ["orphan"] },
    { propagationPolicy: "Background" },
    "remove",
  ],
  ["keeps an earlier policy", { finalizers: ["orphan"] }, {}, MARKED],
  [
    "that is the one meant goes",
    {},
    { preconditions: { uid: "u", resourceVersion: "7" } },
    "remove",
  ],
];

for (const [name, metadata, options, wanted] of OTHERS) {
  Deno.test(`a config map ${name}`, () => {
    const object = objectWith(metadata);
    assertDeletion(deletionOf(configMaps, object, options, NOW_MS), object, wanted);
  });
}

Deno.test("an object that is not the one meant is not deleted", () => {
  for (
    const [preconditions, message] of [
      [
        { uid: "other" },
        "the UID in the precondition (other) does not match the UID in record (u). The object might have been deleted and then recreated",
      ],
      [
        { resourceVersion: "6" },
        "the ResourceVersion in the precondition (6) does not match the ResourceVersion in record (7). The object might have been modified",
      ],
    ] as const
  ) {
    assert.throws(
      () => deletionOf(configMaps, objectWith({}), { preconditions }, NOW_MS),
      (error) =>
        isRefusal(error, "Conflict") &&
        error.message === `Operation cannot be fulfilled on ConfigMap "c": ${message}` &&
        error.details.kind === "ConfigMap",
    );
  }
});

Deno.test("an object is done when it is marked and nothing holds it", () => {
  assert.equal(isDone(configMaps, objectWith({})), false);
  assert.equal(isDone(configMaps, objectWith(MARKED)), true);
  assert.equal(isDone(configMaps, objectWith(AT_30)), false);
  assert.equal(isDone(configMaps, objectWith({ ...MARKED, finalizers: ["x"] })), false);
  assert.equal(
    isDone(configMaps, objectWith({ deletionTimestamp: MARKED.deletionTimestamp })),
    true,
  );
});

Deno.test("a namespace is held by those who empty it, and nothing else is by such a field", () => {
  const marked = (finalizers?: string[]) =>
    ({ ...objectWith(MARKED), spec: { finalizers } }) as KubeObject;
  assert.equal(isDone(namespaces, marked(["kubernetes"])), false);
  assert.equal(isDone(namespaces, marked([])), true);
  assert.equal(isDone(namespaces, marked()), true);
  const other = defineResource({
    group: "example.com",
    version: "v1",
    kind: "Namespace",
    plural: "namespaces",
    namespaced: false,
    schema: object("Another kind.", {}),
  });
  assert.equal(
    isDone(other, marked(["kubernetes"])),
    true,
  );
  assert.equal(isDone(configMaps, marked(["kubernetes"])), true);
});

Deno.test("the removal of the last finalizer completes a deletion", async () => {
  const { objects } = await freshObjects();
  const name = { namespace: "default", name: "c" };
  const draft = { metadata: { ...name, finalizers: ["example.com/a", "example.com/b"] } };
  await objects.create(configMaps, draft);
  assert.equal((await objects.delete(configMaps, name)).outcome, "changed");
  const keep = (finalizers: string[]) =>
    objects.patch(configMaps, name, {
      type: "application/merge-patch+json",
      body: { metadata: { finalizers } },
    });
  await assert.rejects(keep(["example.com/a", "example.com/c"]), /no new finalizers can be added/);
  assert.equal((await keep(["example.com/a"])).outcome, "changed");
  const { outcome, object, bytes } = await keep([]);
  assert.equal(outcome, "removed");
  assert.equal(object.metadata.finalizers, undefined);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(bytes)), object);
  assert.deepEqual(objects.list(configMaps), []);
});

function objectWith(metadata: Metadata): KubeObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "c", uid: "u", resourceVersion: "7", creationTimestamp: "", ...metadata },
  };
}

function assertDeletion(
  deletion: ReturnType<typeof deletionOf>,
  object: KubeObject,
  wanted: Metadata | string,
): void {
  if (typeof wanted === "string") assert.equal(deletion, wanted);
  else {assert.deepEqual(deletion, {
      next: { ...object, metadata: { ...object.metadata, ...wanted } },
    });}
}
