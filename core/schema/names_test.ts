import assert from "node:assert/strict";
import fc from "fast-check";
import {
  configKeyFaults,
  dns1035LabelFaults,
  envNameFaults,
  headerNameFaults,
  labelNameFaults,
  labelValueFaults,
  type NameRule,
  percentFaults,
  portNameFaults,
  prefixFaultsOf,
  qualifiedNameFaults,
  relaxedEnvNameFaults,
  subdomainFaults,
  wildcardSubdomainFaults,
} from "./names.ts";

const RULES: readonly [rule: NameRule, good: readonly string[], bad: readonly string[]][] = [
  [
    subdomainFaults,
    ["a", "web-1", "a.b-c.d", "1", "a".repeat(253)],
    ["", "A", "-a", "a-", "a..b", ".a", "a_b", "a b", "é", "a\n", "a".repeat(254)],
  ],
  [labelNameFaults, ["a", "web-1", "a".repeat(63)], ["", "a.b", "A", "a".repeat(64)]],
  [dns1035LabelFaults, ["a", "web-1"], ["", "1a", "a.b", "a-", "a".repeat(64)]],
  [wildcardSubdomainFaults, ["*.a.b"], ["*", "a.b", "*.*.b", "*a.b"]],
  [
    qualifiedNameFaults,
    ["a", "A_b.c-d", "example.com/A", "a".repeat(63)],
    ["", "a/", "/a", "a/b/c", "Example.com/a", "-a", "a".repeat(64)],
  ],
  [labelValueFaults, ["", "a", "A_b.c-d"], ["-a", "a b", "a/b", "é", "a".repeat(64)]],
  [portNameFaults, ["http", "a-1"], ["", "1", "-a", "a--b", "HTTP", "a".repeat(16)]],
  [envNameFaults, ["A", "my.env-name", "_x"], ["", "1A", "A=B", "A B", "..", "..a"]],
  [relaxedEnvNameFaults, ["1A", "A B", "a$"], ["", "A=B", "é", "a\n"]],
  [configKeyFaults, ["a", "A.b_c-d", ".a"], ["", ".", "..", "..a", "a/b", "a".repeat(254)]],
  [headerNameFaults, ["X-A"], ["", "X_A", "X:"]],
  [percentFaults, ["1%", "100%"], ["", "%", "1", "-1%", "1.5%"]],
];

Deno.test("each rule takes good names and refuses bad ones", () => {
  for (const [rule, good, bad] of RULES) {
    for (const name of good) assert.deepEqual(rule(name), [], `${rule.name} ${name}`);
    for (const name of bad) assert.notDeepEqual(rule(name), [], `${rule.name} ${name}`);
  }
});

Deno.test("faults are reported in Kubernetes' words", () => {
  assert.deepEqual(subdomainFaults("A"), [
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ]);
  assert.deepEqual(labelNameFaults("a.b"), ["must not contain dots"]);
  assert.deepEqual(qualifiedNameFaults(""), [
    "name part must be non-empty",
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
  ]);
  assert.match(
    qualifiedNameFaults("a/b/c")[0]!,
    /^a qualified name must consist of .* with an optional DNS subdomain prefix and '\/' \(e\.g\. 'example\.com\/MyName'\)$/,
  );
  assert.deepEqual(labelNameFaults("a".repeat(64)), ["must be no more than 63 characters"]);
  assert.deepEqual(configKeyFaults(".."), ["must not be '..'"]);
});

Deno.test("length counts bytes, as Go does", () => {
  assert.ok(labelValueFaults("é".repeat(32)).includes("must be no more than 63 characters"));
  assert.ok(!labelValueFaults("é".repeat(31)).includes("must be no more than 63 characters"));
});

Deno.test("the start of a name may end in a dash", () => {
  assert.deepEqual(prefixFaultsOf(subdomainFaults, "web-"), []);
  assert.notDeepEqual(prefixFaultsOf(subdomainFaults, "-"), []);
  assert.notDeepEqual(prefixFaultsOf(subdomainFaults, "Web-"), []);
});

Deno.test("a long name takes no long time", () => {
  const startedMs = performance.now();
  for (const [rule] of RULES) {
    for (const unit of ["a", "a-", "a.", "-", "*."]) rule(`${unit.repeat(100_000)}!`);
  }
  assert.ok(performance.now() - startedMs < 1000);
});

Deno.test("whatever is a label is a subdomain, and whatever is a subdomain is a config key", () => {
  fc.assert(fc.property(fc.stringMatching(/^[a-z0-9.-]{1,12}$/), (name) => {
    if (labelNameFaults(name).length === 0) assert.deepEqual(subdomainFaults(name), []);
    if (dns1035LabelFaults(name).length === 0) assert.deepEqual(labelNameFaults(name), []);
    if (subdomainFaults(name).length === 0) assert.deepEqual(configKeyFaults(name), []);
  }));
});
