import assert from "node:assert/strict";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import type { PodTemplate } from "../../../resources/core/pods/spec/pod_spec.ts";
import { TestRollout } from "../rollout_fixture.ts";
import { revisionOf } from "../situation/sets.ts";
import type { ResolvedRollout } from "../situation/situation.ts";
import { needsAntiAffinityUpdate, withAntiAffinity, withoutAntiAffinity } from "./anti_affinity.ts";

const REQUIRED = { requiredDuringSchedulingIgnoredDuringExecution: {} };
const PREFERRED = { preferredDuringSchedulingIgnoredDuringExecution: { weight: 7 } };

function rollout(antiAffinity: object | undefined, stableRS?: string): ResolvedRollout {
  return {
    metadata: { name: "web", namespace: "shop" },
    spec: { strategy: { canary: { ...(antiAffinity && { antiAffinity }) } } },
    status: { ...(stableRS !== undefined && { stableRS }) },
  } as unknown as ResolvedRollout;
}

function template(affinity?: object): PodTemplate {
  return { spec: { containers: [], ...(affinity && { affinity }) } } as unknown as PodTemplate;
}

const term = (hash: string) => ({
  labelSelector: {
    matchExpressions: [{ key: "rollouts-pod-template-hash", operator: "In", values: [hash] }],
  },
  namespaces: ["shop"],
  topologyKey: "kubernetes.io/hostname",
});
const OWN = { labelSelector: { matchLabels: { app: "db" } }, topologyKey: "zone" };

Deno.test("new pods keep away from stable ones, as the strategy says", () => {
  const cases: [object, object | undefined, object][] = [
    [REQUIRED, undefined, {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term("old")] },
    }],
    [PREFERRED, undefined, {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 7, podAffinityTerm: term("old") },
        ],
      },
    }],
    [
      REQUIRED,
      {
        nodeAffinity: {},
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [OWN] },
      },
      {
        nodeAffinity: {},
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [OWN, term("old")] },
      },
    ],
  ];
  for (const [strategy, own, affinity] of cases) {
    const given = withAntiAffinity(template(own), rollout(strategy, "old"), "new");
    assert.deepEqual(given.spec.affinity, affinity);
    const back = withoutAntiAffinity(given as PodTemplate, rollout(strategy, "old"));
    assert.deepEqual(back, template(own));
  }
});

Deno.test("there is no rule without a strategy, without a stable set, and for the stable set itself", () => {
  const none = template();
  for (
    const [strategy, stable] of [
      [undefined, "old"],
      [{}, "old"],
      [REQUIRED, undefined],
      [REQUIRED, ""],
      [REQUIRED, "new"],
    ] as const
  ) assert.equal(withAntiAffinity(none, rollout(strategy, stable), "new"), none);
  assert.equal(withoutAntiAffinity(none, rollout(REQUIRED, "old")), none);
});

Deno.test("a rule about another stable set is outdated, but not once the set is stable itself", () => {
  const set = {
    spec: { template: withAntiAffinity(template(), rollout(REQUIRED, "old"), "new") },
  } as unknown as ReplicaSet;
  const needs = (stable: string) => needsAntiAffinityUpdate(set, rollout(REQUIRED, stable), "new");
  assert.deepEqual([needs("old"), needs("other"), needs("new")], [false, true, false]);
});

Deno.test("the rule is in the set alone, and makes no other set of the template", () => {
  const steps = [{ setWeight: 50 }, { pause: {} }];
  const canary = { maxSurge: 1, maxUnavailable: 0, steps, antiAffinity: REQUIRED };
  const rollout = new TestRollout({ replicas: 2, strategy: { canary } }).run();
  const affinities = () =>
    rollout.sets.map((set) => [revisionOf(set), set.spec.template.spec.affinity !== undefined]);
  assert.deepEqual(affinities(), [[1, false]]);
  const first = rollout.status.stableRS;
  rollout.setImage("web:2").run();
  assert.equal(rollout.sets.length, 2);
  const [second] = rollout.sets.filter((set) => revisionOf(set) === 2);
  assert.deepEqual(
    second!.spec.template.spec.affinity?.podAntiAffinity
      ?.requiredDuringSchedulingIgnoredDuringExecution?.[0]?.labelSelector?.matchExpressions?.[0]
      ?.values,
    [first],
  );
  assert.equal(rollout.rollout.spec.template?.spec.affinity, undefined);
  rollout.patchStatus({ pauseConditions: undefined }).run();
  assert.equal(rollout.status.phase, "Healthy");
  assert.equal(rollout.sets.length, 2);
});
