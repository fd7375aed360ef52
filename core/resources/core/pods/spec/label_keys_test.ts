import assert from "node:assert/strict";
import { withLabelKeys } from "./label_keys.ts";
import type { PodSpec } from "./pod_spec.ts";

const LABELS = { app: "web", hash: "1" };
const selector = (...matchExpressions: object[]) => ({
  matchLabels: { app: "web" },
  matchExpressions,
});
const rule = (key: string, operator: string, value: string) => ({ key, operator, values: [value] });

/** What becomes of a term, or a constraint, in every place where one can be. */
function withKeys(keyed: object, labels: Record<string, string> | undefined = LABELS): object {
  const terms = {
    requiredDuringSchedulingIgnoredDuringExecution: [keyed],
    preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: keyed }],
  };
  const affinity = { podAffinity: terms, podAntiAffinity: terms, nodeAffinity: {} };
  const spec = { affinity, topologySpreadConstraints: [keyed], containers: [] };
  const made = withLabelKeys(spec as unknown as PodSpec, labels);
  const { podAffinity, podAntiAffinity, nodeAffinity } = made.affinity!;
  assert.deepEqual(podAffinity, podAntiAffinity);
  assert.deepEqual(nodeAffinity, {});
  const found = [
    podAffinity!.requiredDuringSchedulingIgnoredDuringExecution![0],
    podAffinity!.preferredDuringSchedulingIgnoredDuringExecution![0]!.podAffinityTerm,
    made.topologySpreadConstraints![0],
  ];
  for (const each of found) assert.deepEqual(each, found[0]);
  return found[0]!;
}

Deno.test("labels that are named by their keys become rules of the selector, with the values that the pod has", () => {
  const rows: [keys: object, rules: object[]][] = [
    [{ matchLabelKeys: ["hash"] }, [rule("hash", "In", "1")]],
    [{ mismatchLabelKeys: ["hash"] }, [rule("hash", "NotIn", "1")]],
    [{ matchLabelKeys: ["hash"], mismatchLabelKeys: ["app"] }, [
      rule("hash", "In", "1"),
      rule("app", "NotIn", "web"),
    ]],
    [{ matchLabelKeys: ["absent", "hash", "toString"] }, [rule("hash", "In", "1")]],
  ];
  const old = rule("tier", "In", "front");
  for (const [keys, rules] of rows) {
    assert.deepEqual(withKeys({ ...keys, labelSelector: selector(old) }), {
      ...keys,
      labelSelector: selector(old, ...rules),
    });
  }
});

Deno.test("where there are no keys, no labels or no selector, nothing changes", () => {
  const keyed = { matchLabelKeys: ["hash"], labelSelector: { matchLabels: { app: "web" } } };
  for (const same of [{ labelSelector: {} }, { matchLabelKeys: ["hash"] }]) {
    assert.equal(withKeys(same), same);
  }
  assert.equal(withKeys(keyed, {}), keyed);
  assert.equal(withKeys({ ...keyed, matchLabelKeys: ["absent"] }) !== undefined, true);
  const spec = { containers: [], affinity: { nodeAffinity: {} } } as unknown as PodSpec;
  assert.equal(withLabelKeys(spec, LABELS), spec);
});
