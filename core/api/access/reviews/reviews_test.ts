import assert from "node:assert/strict";
import { freshApi } from "../../api_fixture.ts";

const AUTHZ = "/apis/authorization.k8s.io/v1";

async function asker() {
  const { ask } = await freshApi({ users: { eve: { name: "eve", groups: ["team"] } } });
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["list"] }];
  await ask("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", {
    metadata: { name: "lister" },
    rules,
  });
  await ask("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", {
    metadata: { name: "lister" },
    roleRef: { kind: "Role", name: "lister" },
    subjects: [{ kind: "Group", name: "team" }],
  });
  return async (path: string, body: unknown, headers = {}) => {
    const answer = await ask("POST", path, body, headers);
    return { code: answer.status, ...(await answer.json()) };
  };
}

Deno.test("whether somebody may do something is answered about users and about groups", async () => {
  const ask = await asker();
  const path = `${AUTHZ}/subjectaccessreviews`;
  const resourceAttributes = { verb: "list", resource: "pods", namespace: "default" };
  const table: [object, boolean][] = [
    [{ user: "bob", groups: ["team"], resourceAttributes }, true],
    [{ user: "bob", resourceAttributes }, false],
    [{ groups: ["team"], resourceAttributes }, true],
    [{ groups: ["team"], resourceAttributes: { ...resourceAttributes, namespace: "x" } }, false],
    [{ groups: ["system:masters"], nonResourceAttributes: { path: "/x", verb: "get" } }, true],
  ];
  for (const [spec, allowed] of table) {
    const { code, status } = await ask(path, { spec });
    assert.deepEqual([code, status.allowed], [201, allowed], JSON.stringify(spec));
  }
});

Deno.test("questions that cannot be answered are refused with every cause", async () => {
  const ask = await asker();
  const local = `${AUTHZ}/namespaces/default/localsubjectaccessreviews`;
  const about = { resourceAttributes: { verb: "get", resource: "pods", namespace: "other" } };
  const path = { nonResourceAttributes: { path: "/", verb: "get" } };
  const table: [string, object, number, RegExp][] = [
    [`${AUTHZ}/subjectaccessreviews`, { spec: path }, 422, /at least one of user or group/],
    [
      `${AUTHZ}/subjectaccessreviews`,
      { spec: { user: "a", ...about, ...path } },
      422,
      /combination/,
    ],
    [
      `${AUTHZ}/subjectaccessreviews`,
      { metadata: { name: "x" }, spec: { user: "a", ...about } },
      422,
      /must be empty/,
    ],
    [`${AUTHZ}/selfsubjectaccessreviews`, { spec: {} }, 422, /exactly one of/],
    [local, { spec: { user: "a", ...about } }, 422, /must match metadata\.namespace/],
    [local, { spec: { user: "a", ...path } }, 422, /disallowed on this kind of request/],
    [
      `${AUTHZ}/localsubjectaccessreviews`,
      { spec: { user: "a", ...about } },
      404,
      /could not find/,
    ],
    [`${AUTHZ}/selfsubjectrulesreviews`, { spec: {} }, 400, /no namespace on request/],
    ["/apis/authentication.k8s.io/v1/tokenreviews", { spec: {} }, 400, /token is required/],
  ];
  for (const [path, body, code, why] of table) {
    const answer = await ask(path, body);
    assert.equal(answer.code, code, `${path} ${JSON.stringify(body)}: ${answer.message}`);
    assert.match(answer.message, why);
  }
});

Deno.test("a selector of fields counts where an authorizer looks at it, and one that cannot be read is said", async () => {
  const ask = await asker();
  const spec = (fieldSelector: object) => ({
    user: "system:node:edge",
    groups: ["system:nodes"],
    resourceAttributes: { verb: "list", resource: "pods", fieldSelector },
  });
  const requirements = [{ key: "spec.nodeName", operator: "In", values: ["edge"] }];
  const table: [object, boolean, string | undefined][] = [
    [{ requirements }, true, undefined],
    [{ rawSelector: "spec.nodeName=edge" }, true, undefined],
    [{ rawSelector: "spec.nodeName=other" }, false, undefined],
    [
      { requirements: [{ key: "a", operator: "Exists" }] },
      false,
      "spec.resourceAttributes.fieldSelector ignored due to parse error",
    ],
  ];
  for (const [selector, allowed, error] of table) {
    const { status } = await ask(`${AUTHZ}/subjectaccessreviews`, { spec: spec(selector) });
    assert.deepEqual([status.allowed, status.evaluationError], [allowed, error]);
  }
});

Deno.test("a review has no table", async () => {
  const ask = await asker();
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const { code, reason, message } = await ask(path, {}, { accept });
  assert.deepEqual([code, reason], [406, "NotAcceptable"]);
  assert.match(message, /^only the following media types are accepted: /);
});
