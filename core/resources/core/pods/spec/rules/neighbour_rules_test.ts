import assert from "node:assert/strict";
import type { PodSpec } from "../pod_spec.ts";
import { podAffinityCauses, spreadCauses } from "./neighbour_rules.ts";

const GOOD = { topologyKey: "zone", labelSelector: { matchLabels: { app: "web" } } };
const REQUIRED = "a.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]";
const MISSING_SELECTOR = "must not be specified when labelSelector is not set";
const BOTH = "exists in both matchLabelKeys and labelSelector";

function told(causes: readonly { field: string; message: string }[]): string[] {
  return causes.map(({ field, message }) => `${field}: ${message}`);
}

/** Faults of a term, and whether it has as many in the three other places. */
function faultsOf(term: object): string[] {
  const terms = [
    { requiredDuringSchedulingIgnoredDuringExecution: [term] },
    { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] },
  ];
  const [first, ...others] = terms.flatMap((each) => [
    podAffinityCauses({ podAffinity: each } as never, "a"),
    podAffinityCauses({ podAntiAffinity: each } as never, "a"),
  ]);
  for (const other of others) assert.equal(other.length, first!.length);
  return told(first!).map((text) => text.replace(`${REQUIRED}.`, "").replace(REQUIRED, ""));
}

Deno.test("a term about other pods is refused in Kubernetes' words", () => {
  const rows: [term: object, faults: RegExp[]][] = [
    [GOOD, []],
    [{ ...GOOD, topologyKey: "" }, [
      /^topologyKey: .*can not be empty/,
      /^topologyKey: /,
      /^topologyKey: /,
    ]],
    [{ ...GOOD, topologyKey: "a b" }, [/^topologyKey: /]],
    [{ ...GOOD, namespaces: ["ok", "Not ok"] }, [/^namespace: /]],
    [{ ...GOOD, labelSelector: { matchLabels: { "a b": "" } } }, [/^labelSelector.matchLabels: /]],
    [{ ...GOOD, namespaceSelector: { matchLabels: { "a b": "" } } }, [
      /^namespaceSelector.matchLabels: /,
    ]],
    [{ ...GOOD, matchLabelKeys: ["hash"], mismatchLabelKeys: ["tier"] }, []],
    [{ topologyKey: "zone", matchLabelKeys: ["x"] }, [
      new RegExp(`^matchLabelKeys: .*${MISSING_SELECTOR}`),
    ]],
    [{ topologyKey: "zone", mismatchLabelKeys: ["x"] }, [
      new RegExp(`^mismatchLabelKeys: .*${MISSING_SELECTOR}`),
    ]],
    [{ ...GOOD, matchLabelKeys: ["ok", "a b"] }, [/^matchLabelKeys\[1\]: /]],
    [{ ...GOOD, matchLabelKeys: ["x"], mismatchLabelKeys: ["x"] }, [
      /^matchLabelKeys\[0\]: .*exists in both matchLabelKeys and mismatchLabelKeys/,
    ]],
    [{
      topologyKey: "zone",
      labelSelector: {
        matchLabels: { app: "web" },
        matchExpressions: [{ key: "app", operator: "In", values: ["web"] }],
      },
      matchLabelKeys: ["tier", "app"],
    }, [new RegExp(`^\\[1\\]: .*${BOTH}`)]],
  ];
  for (const [term, faults] of rows) {
    const found = faultsOf(term);
    const title = `${JSON.stringify(term)} ${found}`;
    assert.equal(found.length, faults.length, title);
    faults.forEach((fault, i) => assert.match(found[i]!, fault, title));
  }
});

Deno.test("a constraint of topology spread is refused in Kubernetes' words", () => {
  const good = { ...GOOD, maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" };
  const rows: [constraint: object, faults: RegExp[]][] = [
    [good, []],
    [{ ...good, minDomains: 1 }, []],
    [{ ...good, maxSkew: 0 }, [/\.maxSkew: .*must be greater than zero/]],
    [{ ...good, minDomains: 0 }, [/\.minDomains: .*must be greater than zero/]],
    [{ ...good, minDomains: 2, whenUnsatisfiable: "ScheduleAnyway" }, [/not ScheduleAnyway/]],
    [{ ...good, topologyKey: "" }, [/\.topologyKey: .*can not be empty/]],
    [{ ...good, matchLabelKeys: ["x"], labelSelector: undefined }, [new RegExp(MISSING_SELECTOR)]],
    [{ ...good, labelSelector: { matchLabels: { "a b": "" } } }, [
      /\.labelSelector\.matchLabels: /,
    ]],
  ];
  for (const [constraint, faults] of rows) {
    const spec = { topologySpreadConstraints: [constraint] } as unknown as PodSpec;
    const found = told(spreadCauses(spec, "s"));
    assert.equal(found.length, faults.length, `${JSON.stringify(constraint)} ${found}`);
    faults.forEach((fault, i) => assert.match(found[i]!, fault));
  }
});
