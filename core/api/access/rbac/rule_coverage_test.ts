import assert from "node:assert/strict";
import fc from "fast-check";
import type { PolicyRule } from "../../../resources/rbac/policy_rules.ts";
import type { Attributes } from "../../http/request_info.ts";
import { FULL_AUTHORITY, missingRights, RIGHTS_MAX, rulesText } from "./rule_coverage.ts";
import { allows } from "./rule_matching.ts";

const word = (...words: string[]) => fc.constantFrom(...words);
const some = (...words: string[]) => fc.uniqueArray(word(...words), { minLength: 1, maxLength: 3 });
const resourceRule = fc.record({
  verbs: some("get", "list", "*"),
  apiGroups: some("", "apps", "*"),
  resources: some("pods", "pods/log", "nodes", "*/log", "*"),
  resourceNames: fc.oneof(fc.constant<string[]>([]), some("a", "b")),
});
const urlRule = fc.record({
  verbs: some("get", "*"),
  nonResourceURLs: some("/a", "/a/b", "/a/*", "*"),
});
const rules: fc.Arbitrary<PolicyRule[]> = fc.array(fc.oneof(resourceRule, urlRule), {
  maxLength: 3,
});

/** Everything that somebody could ask for in the world of these rules. */
const QUESTIONS: readonly Attributes[] = ["get", "list", "delete"].flatMap((verb) => [
  ...["", "apps", "batch"].flatMap((group) =>
    [["pods"], ["pods", "log"], ["nodes"], ["nodes", "log"], ["x"]].flatMap(
      ([resource, subresource]) =>
        ["a", "b", "c", undefined].map((name): Attributes => ({
          isResource: true,
          ...{ verb, group, resource: resource!, subresource, name, namespace: undefined },
          fieldSelector: "",
        })),
    )
  ),
  ...["/a", "/a/b", "/a/c", "/b"].map((path): Attributes => ({ isResource: false, verb, path })),
]);

function allowedBy(held: readonly PolicyRule[]): boolean[] {
  return QUESTIONS.map((question) => held.some((rule) => allows(rule, question)));
}

Deno.test("who lacks no right of some rules may do all that they allow", () => {
  fc.assert(
    fc.property(rules, rules, (held, wanted) => {
      const missing = missingRights(held, wanted);
      assert.ok(missing !== "too many");
      const [mine, theirs] = [allowedBy(held), allowedBy(wanted)];
      const isCovered = theirs.every((isAllowed, index) => !isAllowed || mine[index]);
      if (missing.length === 0) assert.ok(isCovered);
      // With what was missing, nothing is.
      assert.deepEqual(missingRights([...held, ...missing], wanted), []);
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("rights are compared one by one, as Kubernetes does: several rules may give them together", () => {
  const pods = (verbs: string[], resourceNames: string[] = []) => ({
    ...{ verbs, apiGroups: [""], resources: ["pods"], resourceNames },
  });
  assert.deepEqual(missingRights([pods(["get"]), pods(["list"])], [pods(["get", "list"])]), []);
  assert.deepEqual(missingRights([pods(["get"])], [pods(["get"], ["a"])]), []);
  assert.deepEqual(missingRights([pods(["get"], ["a"])], [pods(["get"])]), [
    { verbs: ["get"], apiGroups: [""], resources: ["pods"] },
  ]);
  assert.deepEqual(missingRights([pods(["get"], ["a"])], [pods(["get"], ["a", "b"])]), [
    { verbs: ["get"], apiGroups: [""], resources: ["pods"], resourceNames: ["b"] },
  ]);
  assert.deepEqual(missingRights(FULL_AUTHORITY, FULL_AUTHORITY), []);
  assert.deepEqual(missingRights([pods(["*"])], FULL_AUTHORITY).length, 2);
});

Deno.test("a set of rules that is too large to be compared is not compared", () => {
  const words = (count: number) => Array.from({ length: count }, (_, index) => `w${index}`);
  const large = (resources: number) => [
    { verbs: words(100), apiGroups: [""], resources: words(resources) },
  ];
  const fitting = large(RIGHTS_MAX / 100);
  assert.deepEqual(missingRights(fitting, fitting), []);
  assert.equal(missingRights(FULL_AUTHORITY, large(RIGHTS_MAX / 100 + 1)), "too many");
});

Deno.test("missing rights are said as Kubernetes says them", () => {
  const missing = missingRights([], [
    { verbs: ["list", "get"], apiGroups: [""], resources: ["secrets"], resourceNames: ["a"] },
    { verbs: ["get"], nonResourceURLs: ["/metrics"] },
    { verbs: ["get"], apiGroups: ["apps"], resources: ["deployments"] },
  ]);
  assert.ok(missing !== "too many");
  assert.equal(
    rulesText(missing),
    [
      `{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["list" "get"]}`,
      `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}`,
      `{NonResourceURLs:["/metrics"], Verbs:["get"]}`,
    ].join("\n"),
  );
});
