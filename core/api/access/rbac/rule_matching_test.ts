import assert from "node:assert/strict";
import type { PolicyRule } from "../../../resources/rbac/policy_rules.ts";
import type { Attributes } from "../../http/request_info.ts";
import { allows } from "./rule_matching.ts";

/** `VERB GROUP/RESOURCE[/SUBRESOURCE] [NAME]`, or `VERB /PATH`. */
function attributesOf(text: string, fieldSelector = ""): Attributes {
  const [verb = "", what = "", name] = text.split(" ");
  if (what.startsWith("/")) return { isResource: false, verb, path: what };
  const [group = "", resource = "", subresource] = what.split(":").flatMap((one) => one.split("/"));
  return {
    isResource: true,
    ...{ verb, group, resource, subresource, name, namespace: undefined, fieldSelector },
  };
}

function rule(verbs: string, groups: string, resources: string, names = ""): PolicyRule {
  const words = (text: string) => text.split(",");
  return {
    verbs: words(verbs),
    apiGroups: words(groups),
    resources: words(resources),
    resourceNames: names === "" ? [] : words(names),
  };
}

Deno.test("a rule allows the verbs on the resources that it names, and nothing else", () => {
  const table: readonly [PolicyRule, string, boolean][] = [
    [rule("get,list", "", "pods"), "get :pods", true],
    [rule("get,list", "", "pods"), "list :pods", true],
    [rule("get,list", "", "pods"), "watch :pods", false],
    [rule("get", "", "pods"), "get apps:pods", false],
    [rule("get", "", "pods"), "get :pods/log", false],
    [rule("get", "", "pods/log"), "get :pods/log", true],
    [rule("get", "", "pods/log"), "get :pods", false],
    [rule("get", "", "*/log"), "get :pods/log", true],
    [rule("get", "", "*/log"), "get :pods", false],
    [rule("get", "", "*/log"), "get :pods/exec", false],
    [rule("get", "", "*"), "get :pods/exec", true],
    [rule("*", "", "pods"), "anything :pods", true],
    [rule("get", "*", "pods"), "get example.com:pods", true],
    [rule("get", "apps", "deployments"), "get extensions:deployments", false],
    [rule("get", "", "pods", "a,b"), "get :pods b", true],
    [rule("get", "", "pods", "a,b"), "get :pods c", false],
    [rule("list", "", "pods", "a"), "list :pods", false],
    [rule("get", "", "pods"), "get /pods", false],
    [{ verbs: ["get"], nonResourceURLs: ["*"] }, "get :pods", false],
    [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }, "get /metrics", true],
    [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }, "post /metrics", false],
    [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }, "get /metrics/cadvisor", false],
    [{ verbs: ["get"], nonResourceURLs: ["/metrics/*"] }, "get /metrics/cadvisor", true],
    [{ verbs: ["get"], nonResourceURLs: ["/metrics/*"] }, "get /metrics", false],
    [{ verbs: ["get"], nonResourceURLs: ["/me*"] }, "get /metrics", true],
    [{ verbs: ["get"], nonResourceURLs: ["*"] }, "get /anything", true],
    [{}, "get :pods", false],
  ];
  for (const [one, text, isAllowed] of table) {
    assert.equal(allows(one, attributesOf(text)), isAllowed, `${text} by ${JSON.stringify(one)}`);
  }
});

Deno.test("a list of one name is allowed to who may see that name", () => {
  const ofA = rule("list,watch", "", "pods", "a");
  const allowed = (selector: string) => allows(ofA, attributesOf("list :pods", selector));
  assert.equal(allowed("metadata.name=a"), true);
  assert.equal(allowed("metadata.name==a,spec.nodeName=x"), true);
  assert.equal(allowed("metadata.name=b"), false);
  assert.equal(allowed("metadata.name!=a"), false);
  assert.equal(allowed("spec.nodeName=a"), false);
  assert.equal(allowed("metadata.name"), false);
});
