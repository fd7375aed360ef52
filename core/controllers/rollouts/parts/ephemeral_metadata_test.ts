import assert from "node:assert/strict";
import fc from "fast-check";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import { isActive } from "../../../resources/core/pods/pod_states.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { update } from "../../runtime/controller.ts";
import { TestRollout } from "../rollout_fixture.ts";
import { revisionOf } from "../situation/sets.ts";
import { metadataOfNewSet, withEphemeralMetadata } from "./ephemeral_metadata.ts";

const INJECTED = "rollout.argoproj.io/ephemeral-metadata";

function set(labels: Record<string, string>): ReplicaSet {
  return {
    metadata: { name: "web", annotations: { own: "1" } },
    spec: { template: { metadata: { labels }, spec: { containers: [] } } },
  } as unknown as ReplicaSet;
}

Deno.test("a set says what was put into its template, and gives it back", () => {
  const before = set({ app: "web" });
  const wanted = { labels: { role: "canary", a: "1" }, annotations: { note: "x" } };
  const given = withEphemeralMetadata(before, wanted);
  assert.deepEqual(given.spec.template.metadata, {
    labels: { app: "web", role: "canary", a: "1" },
    annotations: { note: "x" },
  });
  assert.equal(
    given.metadata.annotations?.[INJECTED],
    '{"labels":{"a":"1","role":"canary"},"annotations":{"note":"x"}}',
  );
  assert.equal(withEphemeralMetadata(given, wanted), given);
  const other = withEphemeralMetadata(given, { labels: { role: "stable" } });
  assert.deepEqual(other.spec.template.metadata?.labels, { app: "web", role: "stable" });
  const back = withEphemeralMetadata(other, undefined);
  assert.deepEqual(back.spec.template.metadata?.labels, { app: "web" });
  assert.deepEqual(back.metadata.annotations, { own: "1" });
});

Deno.test("whatever was injected, taking it away leaves what the template had of its own", () => {
  const keys = fc.constantFrom("a", "b", "c", "__proto__", "constructor");
  const words = fc.dictionary(keys, fc.constantFrom("1", "2"), { noNullPrototype: true });
  const metadata = fc.record({ labels: words, annotations: words }, { requiredKeys: [] });
  fc.assert(fc.property(fc.array(metadata, { maxLength: 4 }), (all) => {
    const start = set({ own: "1" });
    const end = withEphemeralMetadata(
      all.reduce((now, each) => withEphemeralMetadata(now, each), start),
      undefined,
    );
    assert.deepEqual({ ...end.spec.template.metadata?.labels }, { own: "1" });
    assert.deepEqual({ ...end.spec.template.metadata?.annotations }, {});
  }));
});

Deno.test("an annotation that is no JSON is as good as none", () => {
  const broken = set({ app: "web" });
  for (const text of ["{", "[]", "null", '"x"']) {
    const given = {
      ...broken,
      metadata: { ...broken.metadata, annotations: { [INJECTED]: text } },
    };
    assert.equal(withEphemeralMetadata(given as ReplicaSet, undefined), given);
  }
});

const CANARY = {
  canary: {
    maxSurge: 1,
    maxUnavailable: 0,
    steps: [{ setWeight: 50 }, { pause: {} }],
    canaryMetadata: { labels: { role: "canary" }, annotations: { since: "now" } },
    stableMetadata: { labels: { role: "stable" } },
  },
};

/** Roles of the pods by revision. */
function roles(rollout: TestRollout): Record<number, string[]> {
  return Object.fromEntries(
    rollout.sets.map((set) => {
      const owned = rollout.cluster.by<Pod>(pods, "owner", set.metadata.uid).filter(isActive);
      const found = owned.map(({ metadata }) =>
        `${metadata.labels?.["role"] ?? "-"}${metadata.annotations?.["since"] ? "*" : ""}`
      );
      return [revisionOf(set), found] as const;
    }).filter(([, found]) => found.length > 0),
  );
}

Deno.test("pods have the metadata of their part from the first moment, and change them without a restart", () => {
  const rollout = new TestRollout({ replicas: 2, strategy: CANARY }).settle();
  assert.deepEqual(roles(rollout), { 1: ["stable", "stable"] });
  rollout.run().setImage("web:2").run();
  assert.deepEqual(roles(rollout), { 1: ["stable"], 2: ["canary*"] });
  const names = rollout.cluster.list<Pod>(pods).map(({ metadata }) => metadata.name);
  rollout.change({
    strategy: {
      canary: {
        ...CANARY.canary,
        canaryMetadata: { labels: { role: "next" } },
        stableMetadata: undefined,
      },
    },
  }).run();
  assert.deepEqual(roles(rollout), { 1: ["-"], 2: ["next"] });
  assert.deepEqual(rollout.cluster.list<Pod>(pods).map(({ metadata }) => metadata.name), names);
});

Deno.test("a canary that is promoted becomes stable, and what it replaces is neither", () => {
  const rollout = new TestRollout({ replicas: 2, strategy: CANARY }).run();
  rollout.setImage("web:2").run().patchStatus({ pauseConditions: undefined }).run();
  assert.deepEqual(roles(rollout), { 2: ["stable", "stable"] });
  const [old] = rollout.sets.filter((set) => revisionOf(set) === 1);
  assert.equal(old!.metadata.annotations?.[INJECTED], undefined);
  assert.equal(old!.spec.template.metadata?.labels?.["role"], undefined);
});

Deno.test("a pod that was missed gets its metadata at the next look", () => {
  const rollout = new TestRollout({ replicas: 2, strategy: CANARY }).run();
  const [pod] = rollout.cluster.list<Pod>(pods);
  const { role: _, ...labels } = pod!.metadata.labels!;
  const missed = { ...pod!, metadata: { ...pod!.metadata, labels, annotations: { since: "old" } } };
  rollout.cluster.perform({ writes: [update(pods, missed)] });
  assert.deepEqual(roles(rollout), { 1: ["-*", "stable"] });
  assert.deepEqual(roles(rollout.run()), { 1: ["stable", "stable"] });
});

Deno.test("a new set is active or preview, in blue-green", () => {
  const of = (hasStable: boolean) =>
    metadataOfNewSet({
      spec: {
        strategy: {
          blueGreen: {
            activeService: "a",
            previewMetadata: { labels: { role: "preview" } },
            activeMetadata: { labels: { role: "active" } },
          },
        },
      },
    } as never, hasStable)?.labels;
  assert.deepEqual([of(false), of(true)], [{ role: "active" }, { role: "preview" }]);
});
