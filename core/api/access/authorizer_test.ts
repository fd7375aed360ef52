import assert from "node:assert/strict";
import type { Attributes } from "../http/request_info.ts";
import {
  ALL_RULES,
  ALLOW,
  type Authorizer,
  AuthorizerChain,
  type Decision,
  NO_OPINION,
  NO_RULES,
  type Rules,
} from "./authorizer.ts";

const user = { name: "jane", groups: [] };
const attributes: Attributes = { isResource: false, verb: "get", path: "/metrics" };

function saying(decision: Decision | Promise<Decision>, rules: Rules = NO_RULES): Authorizer {
  return { authorize: () => decision, rulesFor: () => rules };
}

Deno.test("the first authorizer that allows or denies decides, and the others are not asked", async () => {
  const unasked: Authorizer = {
    authorize: () => assert.fail("it was asked"),
    rulesFor: () => NO_RULES,
  };
  const deny: Decision = { outcome: "deny", reason: "not on Mondays" };
  for (const decision of [ALLOW, deny, { ...ALLOW, reason: "why not" }]) {
    for (const answer of [decision, Promise.resolve(decision)]) {
      const chain = new AuthorizerChain([saying(NO_OPINION), saying(answer), unasked]);
      assert.deepEqual(await chain.authorize(user, attributes), decision);
    }
  }
});

Deno.test("where none has an opinion it is not allowed, for all the reasons that were given", async () => {
  for (const none of [[], [saying(NO_OPINION), saying(NO_OPINION)]]) {
    assert.deepEqual(await new AuthorizerChain(none).authorize(user, attributes), NO_OPINION);
  }
  const one = new AuthorizerChain([saying({ ...NO_OPINION, reason: "no role" })]);
  assert.equal((await one.authorize(user, attributes)).reason, "no role");
  const chain = new AuthorizerChain([
    saying({ ...NO_OPINION, reason: "no role" }),
    saying(NO_OPINION),
    saying(Promise.resolve({ ...NO_OPINION, reason: "webhook: no" })),
  ]);
  assert.deepEqual(await chain.authorize(user, attributes), {
    outcome: "no opinion",
    reason: "no role\nwebhook: no",
  });
});

Deno.test("what a user may do is what all authorizers say together", () => {
  const resourceRules = [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }];
  const nonResourceRules = [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }];
  const some = [
    saying(NO_OPINION, { ...NO_RULES, resourceRules }),
    saying(NO_OPINION, { ...NO_RULES, nonResourceRules, evaluationError: "a webhook lists none" }),
  ];
  assert.deepEqual(new AuthorizerChain(some).rulesFor(user, "default"), {
    resourceRules,
    nonResourceRules,
    evaluationError: "a webhook lists none",
  });
  assert.deepEqual(new AuthorizerChain([saying(NO_OPINION)]).rulesFor(user, "default"), NO_RULES);
  const all = new AuthorizerChain([saying(NO_OPINION, ALL_RULES), ...some]);
  assert.equal(all.rulesFor(user, "default"), ALL_RULES);
});
