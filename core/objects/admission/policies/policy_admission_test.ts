import assert from "node:assert/strict";
import type { ApiError } from "../../../client/api_error.ts";
import type { WriteOptions } from "../../../client/write_options.ts";
import { Random } from "../../../lib/random.ts";
import { VirtualClock } from "../../../lib/virtual_clock.ts";
import { validatingAdmissionPolicies } from "../../../resources/admissionregistration/validating_admission_policies.ts";
import { validatingAdmissionPolicyBindings } from "../../../resources/admissionregistration/validating_admission_policy_bindings.ts";
import { MutableCatalog } from "../../../resources/catalog.ts";
import { configMaps } from "../../../resources/core/config_maps.ts";
import { namespaces } from "../../../resources/core/namespaces.ts";
import { RESOURCES } from "../../../resources/mod.ts";
import { MemoryJournal } from "../../../store/memory_journal.ts";
import { MemoryStore } from "../../../store/memory_store.ts";
import { bootstrap } from "../../bootstrap.ts";
import { Objects } from "../../objects.ts";

/** A cluster with policies about ConfigMaps. */
class Site {
  private constructor(readonly objects: Objects) {}

  static async open(): Promise<Site> {
    const store = await MemoryStore.open(new MemoryJournal(), { resources: RESOURCES });
    const clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z"));
    const catalog = new MutableCatalog(RESOURCES);
    const objects = new Objects({ store, clock, random: new Random(1), catalog });
    await bootstrap(objects, { apiAddress: "127.0.0.1", apiPort: 6443 });
    return new Site(objects);
  }

  /** A policy about ConfigMaps of name `p1`, bound by `b1`. */
  async bound(spec: object, binding: object = {}): Promise<void> {
    const rule = {
      apiGroups: [""],
      apiVersions: ["v1"],
      operations: ["*"],
      resources: ["configmaps"],
    };
    await this.objects.create(validatingAdmissionPolicies, {
      metadata: { name: "p1" },
      spec: { matchConstraints: { resourceRules: [rule] }, ...spec },
    });
    await this.objects.create(validatingAdmissionPolicyBindings, {
      metadata: { name: "b1" },
      spec: { policyName: "p1", validationActions: ["Deny"], ...binding },
    });
  }

  async write(data: Record<string, string>, options: WriteOptions = {}, labels = {}) {
    const metadata = { name: "x", namespace: "default", labels };
    return await this.objects.create(configMaps, { metadata, data }, options);
  }
}

const REFUSED =
  "configmaps \"x\" is forbidden: ValidatingAdmissionPolicy 'p1' with binding 'b1' denied request: ";
const SMALL = { expression: "object.data.n == '1'" };

Deno.test("a policy refuses what breaks a rule, once it is bound", async () => {
  const site = await Site.open();
  await site.bound({ validations: [SMALL] });
  await assert.rejects(site.write({ n: "2" }), (error: ApiError) => {
    assert.equal(error.code, 422);
    assert.equal(error.reason, "Invalid");
    assert.equal(error.message, `${REFUSED}failed expression: object.data.n == '1'`);
    const [cause] = error.details.causes!;
    assert.equal(
      cause!.message,
      "ValidatingAdmissionPolicy 'p1' with binding 'b1' denied request: failed expression: object.data.n == '1'",
    );
    return true;
  });
  await site.write({ n: "1" });
  await site.objects.delete(validatingAdmissionPolicyBindings, { name: "b1" });
  await site.objects.delete(configMaps, { name: "x", namespace: "default" });
  await site.write({ n: "2" });
});

const MESSAGES: readonly (readonly [name: string, spec: object, expected: string | undefined])[] = [
  ["the first rule that is broken is told", {
    validations: [{ expression: "true" }, { ...SMALL, message: "no" }, { expression: "false" }],
  }, "no"],
  ["a message is made", {
    validations: [{ ...SMALL, messageExpression: "'n is ' + object.data.n" }],
  }, "n is 2"],
  ["a message that cannot be made is the one written", {
    validations: [{ ...SMALL, message: "no", messageExpression: "string(object.nope)" }],
  }, "no"],
  [
    "an error refuses",
    { validations: [{ expression: "int(object.data.s) < 2" }] },
    "expression 'int(object.data.s) < 2' resulted in error: type conversion error from 'string' to 'int'",
  ],
  ["an error is ignored when it shall be", {
    failurePolicy: "Ignore",
    validations: [{ expression: "object.nope == 1" }],
  }, undefined],
  ["variables are used", {
    variables: [{ name: "n", expression: "int(object.data.n)" }, {
      name: "m",
      expression: "variables.n + 1",
    }],
    validations: [{ expression: "variables.m < 2" }],
  }, "failed expression: variables.m < 2"],
  ["a variable that is not needed is not made", {
    variables: [{ name: "bad", expression: "int('x' + object.data.n)" }],
    validations: [{ expression: "true || variables.bad == 1" }],
  }, undefined],
  [
    "a variable that fails says so",
    {
      variables: [{ name: "bad", expression: "int('x' + object.data.n)" }],
      validations: [{ expression: "variables.bad == 1" }],
    },
    "expression 'variables.bad == 1' resulted in error: composited variable \"bad\" fails to evaluate: type conversion error from 'string' to 'int'",
  ],
  ["conditions decide whether it applies", {
    matchConditions: [{ name: "c", expression: "object.data.n == '1'" }],
    validations: [{ expression: "false" }],
  }, undefined],
  ["a condition that fails refuses", {
    matchConditions: [{ name: "c", expression: "object.data.nope == '1'" }],
    validations: [{ expression: "true" }],
  }, "expression 'object.data.nope == '1'' resulted in error: no such key: nope"],
  [
    "the request is seen",
    {
      validations: [{
        expression:
          "request.operation != 'CREATE' || request.userInfo.username != 'jane' || request.resource.resource != 'configmaps' || request.namespace != 'default' || request.name != 'x' || has(request.dryRun) && request.dryRun",
      }],
    },
    "failed expression: request.operation != 'CREATE' || request.userInfo.username != 'jane' || request.resource.resource != 'configmaps' || request.namespace != 'default' || request.name != 'x' || has(request.dryRun) && request.dryRun",
  ],
  ["the namespace is seen", {
    validations: [{ expression: "namespaceObject.metadata.name == 'kube-system'" }],
  }, "failed expression: namespaceObject.metadata.name == 'kube-system'"],
  [
    "what was before is null on create",
    { validations: [{ expression: "oldObject == null" }] },
    undefined,
  ],
  [
    "a rule that costs too much refuses",
    {
      validations: [{
        expression:
          "[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, [0,1,2,3,4,5,6,7,8,9].all(d, [0,1,2,3,4,5,6,7,8,9].all(e, [0,1,2,3,4,5,6,7,8,9].all(f, a + b + c + d + e + f >= 0))))))",
      }],
    },
    "expression '[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, [0,1,2,3,4,5,6,7,8,9].all(d, [0,1,2,3,4,5,6,7,8,9].all(e, [0,1,2,3,4,5,6,7,8,9].all(f, a + b + c + d + e + f >= 0))))))' resulted in error: operation cancelled: actual cost limit exceeded",
  ],
];

for (const [name, spec, expected] of MESSAGES) {
  Deno.test(`policies: ${name}`, async () => {
    const site = await Site.open();
    await site.bound(spec);
    const userInfo = { name: "jane", groups: [] };
    const written = site.write({ n: "2", s: "x" }, { userInfo });
    if (expected === undefined) await written;
    else {
      await assert.rejects(written, (error: ApiError) => {
        assert.equal(error.message, REFUSED + expected);
        return true;
      });
    }
  });
}

Deno.test("a rule chooses the reason of a refusal", async () => {
  for (
    const [reason, code] of [["Forbidden", 403], ["Unauthorized", 401], [
      "RequestEntityTooLarge",
      413,
    ]] as const
  ) {
    const site = await Site.open();
    await site.bound({ validations: [{ ...SMALL, reason }] });
    await assert.rejects(site.write({ n: "2" }), { reason, code });
  }
});

Deno.test("a binding can warn in place of refusing", async () => {
  const site = await Site.open();
  const validations = [{ expression: "false", message: "bad is bad" }, { expression: "false" }];
  await site.bound({ validations }, { validationActions: ["Warn", "Audit"] });
  assert.deepEqual((await site.write({})).warnings, [
    "Validation failed for ValidatingAdmissionPolicy 'p1' with binding 'b1': bad is bad",
    "Validation failed for ValidatingAdmissionPolicy 'p1' with binding 'b1': failed expression: false",
  ]);
});

Deno.test("objects configure a policy", async () => {
  const site = await Site.open();
  const data = { max: "5" };
  const param = { metadata: { name: "limit", namespace: "kube-system", labels: { a: "b" } }, data };
  await site.objects.create(configMaps, param);
  const spec = {
    paramKind: { apiVersion: "v1", kind: "ConfigMap" },
    validations: [{ expression: "int(object.data.n) <= int(params.data.max)" }],
  };
  const ref = { namespace: "kube-system", parameterNotFoundAction: "Deny" };
  await site.bound(spec, { paramRef: { ...ref, name: "limit" } });
  await site.write({ n: "5" }, { dryRun: true });
  await assert.rejects(site.write({ n: "6" }), /failed expression/);
  const bind = async (paramRef: object) => {
    await site.objects.delete(validatingAdmissionPolicyBindings, { name: "b1" });
    await site.objects.create(validatingAdmissionPolicyBindings, {
      metadata: { name: "b1" },
      spec: { policyName: "p1", validationActions: ["Deny"], paramRef },
    });
  };
  await bind({ ...ref, name: "nope" });
  await assert.rejects(site.write({ n: "5" }), {
    message:
      `${REFUSED}failed to configure binding: no params found for policy binding with \`Deny\` parameterNotFoundAction`,
  });
  await bind({ ...ref, name: "nope", parameterNotFoundAction: "Allow" });
  await site.write({ n: "6" }, { dryRun: true });
  await bind({ ...ref, selector: { matchLabels: { a: "b" } } });
  await assert.rejects(site.write({ n: "6" }), /failed expression/);
});

Deno.test("a policy of a kind that there is not refuses", async () => {
  const site = await Site.open();
  const paramKind = { apiVersion: "rules.dev/v1", kind: "Limit" };
  await site.bound({ paramKind, validations: [SMALL] });
  await assert.rejects(site.write({ n: "1" }), {
    message:
      "configmaps \"x\" is forbidden: ValidatingAdmissionPolicy 'p1' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'rules.dev/v1, Kind=Limit'",
  });
});

Deno.test("a policy decides about changes, deletions and subresources that its rules name", async () => {
  const site = await Site.open();
  await site.bound({
    validations: [{
      expression: "object == null || oldObject == null || object.data == oldObject.data",
    }, { expression: "object != null", message: "stay" }],
  });
  await site.write({ n: "1" });
  const name = { name: "x", namespace: "default" };
  const changed = (current: object) => ({ ...current, data: { n: "2" } });
  await assert.rejects(site.objects.change(configMaps, name, changed), /failed expression/);
  await assert.rejects(site.objects.delete(configMaps, name), { message: `${REFUSED}stay` });
});

Deno.test("a policy is about what its selectors and names mean", async () => {
  const rule = {
    apiGroups: [""],
    apiVersions: ["v1"],
    operations: ["*"],
    resources: ["configmaps"],
  };
  const cases: readonly (readonly [constraints: object, isMeant: boolean])[] = [
    [{ objectSelector: { matchLabels: { a: "b" } } }, true],
    [{ objectSelector: { matchLabels: { a: "c" } } }, false],
    [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "default" } } }, true],
    [{ namespaceSelector: { matchLabels: { team: "a" } } }, false],
    [{ resourceRules: [{ ...rule, resourceNames: ["x"] }] }, true],
    [{ resourceRules: [{ ...rule, resourceNames: ["y"] }] }, false],
    [{ excludeResourceRules: [{ ...rule, operations: ["CREATE"] }] }, false],
    [{ resourceRules: [{ ...rule, operations: ["DELETE"] }] }, false],
  ];
  for (const [constraints, isMeant] of cases) {
    const site = await Site.open();
    const matchConstraints = { resourceRules: [rule], ...constraints };
    await site.bound({ matchConstraints, validations: [{ expression: "false" }] });
    const written = site.write({}, {}, { a: "b" });
    if (isMeant) await assert.rejects(written, JSON.stringify(constraints));
    else await written;
  }
});

Deno.test("no policy decides about policies, and a namespace has no namespace", async () => {
  const site = await Site.open();
  const rule = { apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"] };
  await site.bound({
    matchConstraints: { resourceRules: [rule] },
    validations: [{ expression: "namespaceObject != null" }],
  });
  await assert.rejects(site.objects.create(namespaces, { metadata: { name: "n" } }));
  await site.objects.delete(validatingAdmissionPolicies, { name: "p1" });
  await site.objects.create(namespaces, { metadata: { name: "n" } });
});

Deno.test("an expression can ask who may do what", async () => {
  const site = await Site.open();
  const asked: unknown[] = [];
  site.objects.policies.askAccess((user, question) => {
    asked.push({ user: user.name, ...question });
    return { allowed: user.name === "jane" };
  });
  await site.bound({
    validations: [{
      expression:
        "authorizer.requestResource.check('approve').allowed() && !authorizer.serviceAccount('a', 'b').group('').resource('pods').check('get').allowed()",
    }],
  });
  await site.write({}, { userInfo: { name: "jane", groups: [] }, dryRun: true });
  assert.equal(asked.length, 2);
  await assert.rejects(site.write({}, { userInfo: { name: "joe", groups: [] } }));
});

Deno.test("a policy is refused for what is wrong with it, as by Kubernetes", async () => {
  const site = await Site.open();
  const cases: readonly (readonly [spec: object, expected: string])[] = [
    [
      { validations: [{ expression: "1" }] },
      'spec.validations[0].expression: Invalid value: "1": must evaluate to bool but got int',
    ],
    [
      { validations: [{ expression: "foo" }] },
      "spec.validations[0].expression: Invalid value: \"foo\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo\n | ^",
    ],
    [
      {},
      "[spec.validations: Required value: validations or auditAnnotations must contain at least one item, spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item]",
    ],
    [
      { auditAnnotations: [{ key: "k", valueExpression: "1" }] },
      'spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to one of [string null_type] but got int',
    ],
    [
      { validations: [SMALL], matchConstraints: undefined },
      "spec.matchConstraints: Required value",
    ],
    [
      { validations: [{ expression: "object.x == params.y" }] },
      "spec.validations[0].expression: Invalid value: \"object.x == params.y\": compilation failed: ERROR: <input>:1:13: undeclared reference to 'params' (in container '')\n | object.x == params.y\n | ............^",
    ],
  ];
  for (const [spec, expected] of cases) {
    await assert.rejects(site.bound(spec), (error: ApiError) => {
      const all =
        `ValidatingAdmissionPolicy.admissionregistration.k8s.io "p1" is invalid: ${expected}`;
      assert.equal(error.message, all);
      return true;
    });
  }
  const binding = {
    metadata: { name: "b" },
    spec: { policyName: "p1", validationActions: ["Deny", "Warn"] },
  };
  await assert.rejects(
    site.objects.create(validatingAdmissionPolicyBindings, binding),
    /must not contain both Deny and Warn \(repeating the same validation failure information/,
  );
});

Deno.test("the audit log hears of what is broken, if the binding says so, and of what the policy notes", async () => {
  const site = await Site.open();
  const notes: unknown[] = [];
  const annotate: WriteOptions["annotate"] = (...note) => notes.push(note);
  await site.bound({
    validations: [{ expression: "true" }, { ...SMALL, message: "too many <n>" }],
    auditAnnotations: [
      { key: "n", valueExpression: "'n is ' + object.data.n" },
      { key: "none", valueExpression: "null" },
    ],
  }, { validationActions: ["Audit", "Warn"] });
  const { warnings } = await site.write({ n: "2" }, { annotate });
  assert.equal(warnings.length, 1);
  const failure = {
    message: "too many \\u003cn\\u003e",
    policy: "p1",
    binding: "b1",
    expressionIndex: 1,
    validationActions: ["Audit", "Warn"],
  };
  assert.deepEqual(notes, [
    [
      "validation.policy.admission.k8s.io/validation_failure",
      JSON.stringify([failure]).replaceAll("\\\\", "\\"),
    ],
    ["p1/n", "n is 2"],
  ]);
});

Deno.test("what a policy notes is told once for all its bindings, and nothing of what is sound", async () => {
  const site = await Site.open();
  const notes: unknown[] = [];
  await site.bound({
    validations: [SMALL],
    auditAnnotations: [{ key: "n", valueExpression: "'n is ' + object.data.n" }],
  }, { validationActions: ["Deny"] });
  await site.objects.create(validatingAdmissionPolicyBindings, {
    metadata: { name: "b2" },
    spec: { policyName: "p1", validationActions: ["Audit"] },
  });
  await site.write({ n: "1" }, { annotate: (...note) => notes.push(note) });
  assert.deepEqual(notes, [["p1/n", "n is 1"]]);
});
