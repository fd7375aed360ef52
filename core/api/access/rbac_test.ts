import assert from "node:assert/strict";
import { type ApiFixture, freshApi } from "../api_fixture.ts";

const users = {
  jane: { name: "jane", groups: ["dev"] },
  root: { name: "root", groups: [] },
};
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const PODS = "/api/v1/namespaces/default/pods";
const SECRETS = "/api/v1/namespaces/default/secrets";
const ROLES = `${RBAC}/namespaces/default/roles`;
const BINDINGS = `${RBAC}/namespaces/default/rolebindings`;
const CLUSTER_BINDINGS = `${RBAC}/clusterrolebindings`;

// deno-lint-ignore no-explicit-any -- whatever the API answers
type Body = any;

class Cluster {
  readonly #fixture: ApiFixture;

  constructor(fixture: ApiFixture) {
    this.#fixture = fixture;
  }

  async admin(method: string, path: string, body?: object): Promise<Body> {
    const answer = await this.#fixture.ask(method, path, body);
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
    return await answer.json();
  }

  async jane(method: string, path: string, body?: object, type?: string) {
    return await this.as("jane", method, path, body, type);
  }

  async as(token: string, method: string, path: string, body?: object, type?: string) {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(type && { "content-type": type }),
    };
    const answer = await this.#fixture.ask(method, path, body, headers);
    return { code: answer.status, body: await answer.json() as Body };
  }

  role(name: string, rules: object[]): Promise<Body> {
    return this.admin("POST", ROLES, { metadata: { name }, rules });
  }

  bind(name: string, subject: object, roleRef: object): Promise<Body> {
    return this.admin("POST", BINDINGS, { metadata: { name }, subjects: [subject], roleRef });
  }
}

const JANE = { kind: "User", name: "jane" };
const DEV = { kind: "Group", name: "dev" };
const READ_PODS = { verbs: ["get", "list"], apiGroups: [""], resources: ["pods"] };

function rbacTest(name: string, act: (cluster: Cluster) => Promise<void>): void {
  Deno.test(name, async () => await act(new Cluster(await freshApi({ users }))));
}

rbacTest(
  "a user may do nothing with objects until a binding allows it, and then what it allows",
  async (cluster) => {
    const refused = await cluster.jane("GET", PODS);
    assert.equal(refused.code, 403);
    assert.equal(
      refused.body.message,
      `pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"`,
    );
    await cluster.role("reader", [READ_PODS]);
    await cluster.bind("readers", JANE, { kind: "Role", name: "reader" });
    assert.equal((await cluster.jane("GET", PODS)).code, 200);
    assert.equal((await cluster.jane("GET", `${PODS}?watch=1`)).code, 403);
    assert.equal((await cluster.jane("GET", "/api/v1/pods")).code, 403);
    assert.equal((await cluster.jane("GET", "/api/v1/namespaces/kube-system/pods")).code, 403);
    assert.equal((await cluster.jane("GET", SECRETS)).code, 403);
    assert.equal((await cluster.jane("POST", PODS, { metadata: { name: "a" } })).code, 403);
    await cluster.admin("DELETE", `${BINDINGS}/readers`);
    assert.equal((await cluster.jane("GET", PODS)).code, 403);
  },
);

rbacTest(
  "a group, a cluster role in one namespace, and a service account of another",
  async (cluster) => {
    const metadata = { name: "viewers" };
    await cluster.admin("POST", `${RBAC}/clusterroles`, {
      metadata: { name: "pods" },
      rules: [READ_PODS],
    });
    const roleRef = { kind: "ClusterRole", name: "pods" };
    await cluster.bind("viewers", DEV, roleRef);
    assert.equal((await cluster.jane("GET", PODS)).code, 200);
    assert.equal((await cluster.jane("GET", "/api/v1/pods")).code, 403);
    await cluster.admin("POST", CLUSTER_BINDINGS, { metadata, subjects: [DEV], roleRef });
    assert.equal((await cluster.jane("GET", "/api/v1/pods")).code, 200);
  },
);

rbacTest("a binding to a role that is not there says so to whoever lacks it", async (cluster) => {
  await cluster.bind("lost", JANE, { kind: "Role", name: "gone" });
  const { body } = await cluster.jane("GET", PODS);
  assert.match(body.message, /: RBAC: role\.rbac\.authorization\.k8s\.io "gone" not found$/);
});

rbacTest("kubectl auth can-i says what a user may do, and by which binding", async (cluster) => {
  await cluster.role("reader", [READ_PODS]);
  await cluster.bind("readers", JANE, { kind: "Role", name: "reader" });
  const canI = async (verb: string) => {
    const resourceAttributes = { verb, resource: "pods", namespace: "default" };
    const { body } = await cluster.jane(
      "POST",
      "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      { spec: { resourceAttributes } },
    );
    return body.status;
  };
  assert.deepEqual(await canI("list"), {
    allowed: true,
    reason: 'RBAC: allowed by RoleBinding "default/readers" of Role "reader" to User "jane"',
  });
  assert.deepEqual(await canI("delete"), { allowed: false });
  const { body } = await cluster.jane(
    "POST",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    { spec: { namespace: "default" } },
  );
  assert.equal(body.status.incomplete, false);
  assert.deepEqual(
    body.status.resourceRules.find((rule: Body) => rule.resources.includes("pods")),
    READ_PODS,
  );
});

const WRITE_RBAC = {
  verbs: ["create", "update", "patch", "get"],
  apiGroups: ["rbac.authorization.k8s.io"],
  resources: ["roles", "rolebindings"],
};

async function withRoleEditor(cluster: Cluster): Promise<void> {
  await cluster.role("editor", [WRITE_RBAC, READ_PODS]);
  await cluster.bind("editors", JANE, { kind: "Role", name: "editor" });
}

rbacTest("nobody writes a role with rights that he does not have", async (cluster) => {
  await withRoleEditor(cluster);
  const rules = [READ_PODS];
  assert.equal((await cluster.jane("POST", ROLES, { metadata: { name: "own" }, rules })).code, 201);
  const secrets = { verbs: ["get"], apiGroups: [""], resources: ["secrets"] };
  const more = { metadata: { name: "more" }, rules: [READ_PODS, secrets] };
  const refused = await cluster.jane("POST", ROLES, more);
  assert.equal(refused.code, 403);
  assert.equal(
    refused.body.message,
    `roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is ` +
      `attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}`,
  );
  const patch = { rules: more.rules };
  const merge = "application/merge-patch+json";
  assert.equal((await cluster.jane("PATCH", `${ROLES}/own`, patch, merge)).code, 403);
  const { body: own } = await cluster.jane("GET", `${ROLES}/own`);
  assert.equal((await cluster.jane("PUT", `${ROLES}/own`, { ...own, ...patch })).code, 403);
  const labels = { metadata: { labels: { a: "b" } } };
  assert.equal((await cluster.jane("PATCH", `${ROLES}/own`, labels, merge)).code, 200);
  // Others' rights that he lacks may stay, but he adds none.
  const { body: foreign } = await cluster.as("TOKEN", "GET", `${ROLES}/own`);
  assert.equal(foreign.code, 401);
});

rbacTest(
  "a label may be changed on a role with rights that the writer does not have",
  async (cluster) => {
    await withRoleEditor(cluster);
    await cluster.role("strong", [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }]);
    const merge = "application/merge-patch+json";
    const labels = { metadata: { labels: { a: "b" } } };
    assert.equal((await cluster.jane("PATCH", `${ROLES}/strong`, labels, merge)).code, 200);
  },
);

rbacTest(
  "nobody binds a role with rights that he does not have, unless he may bind it",
  async (cluster) => {
    await withRoleEditor(cluster);
    const binding = (name: string, role: string) => ({
      metadata: { name },
      subjects: [JANE],
      roleRef: { kind: "ClusterRole", name: role },
    });
    const refused = await cluster.jane("POST", BINDINGS, binding("all", "cluster-admin"));
    assert.equal(refused.code, 403);
    assert.match(
      refused.body.message,
      /^rolebindings\.rbac.* "all" is forbidden: user "jane" .*\n\{/,
    );
    assert.equal((await cluster.jane("POST", BINDINGS, binding("none", "nope"))).code, 404);
    const verbs = ["bind"];
    const apiGroups = ["rbac.authorization.k8s.io"];
    const bind = {
      verbs,
      apiGroups,
      resources: ["clusterroles"],
      resourceNames: ["cluster-admin"],
    };
    await cluster.role("binder", [bind]);
    await cluster.bind("binders", JANE, { kind: "Role", name: "binder" });
    assert.equal((await cluster.jane("POST", BINDINGS, binding("all", "cluster-admin"))).code, 201);
    assert.equal((await cluster.jane("GET", SECRETS)).code, 200);
    assert.equal((await cluster.jane("GET", "/api/v1/secrets")).code, 403);
  },
);

rbacTest(
  "the verb escalate allows it; aggregation is for those who may do everything",
  async (cluster) => {
    const clusterRoles = {
      verbs: ["create"],
      apiGroups: ["rbac.authorization.k8s.io"],
      resources: ["clusterroles"],
    };
    await cluster.admin("POST", `${RBAC}/clusterroles`, {
      metadata: { name: "writer" },
      rules: [clusterRoles],
    });
    const roleRef = { kind: "ClusterRole", name: "writer" };
    const metadata = { name: "writers" };
    await cluster.admin("POST", CLUSTER_BINDINGS, { metadata, subjects: [JANE], roleRef });
    const aggregated = {
      metadata: { name: "gathered" },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] },
    };
    const refused = await cluster.jane("POST", `${RBAC}/clusterroles`, aggregated);
    assert.equal(refused.code, 403);
    assert.match(refused.body.message, /must have cluster-admin privileges to use the aggregation/);
    await cluster.admin("POST", `${RBAC}/clusterroles`, {
      metadata: { name: "escalator" },
      rules: [{ ...clusterRoles, verbs: ["escalate"] }],
    });
    await cluster.admin("POST", CLUSTER_BINDINGS, {
      metadata: { name: "escalators" },
      subjects: [JANE],
      roleRef: { kind: "ClusterRole", name: "escalator" },
    });
    assert.equal((await cluster.jane("POST", `${RBAC}/clusterroles`, aggregated)).code, 201);
  },
);

rbacTest(
  "a right to one of Coracle's own paths is worth nothing; all rights together are",
  async (cluster) => {
    const bindTo = async (user: string, role: string) =>
      await cluster.admin("POST", CLUSTER_BINDINGS, {
        metadata: { name: `${user}-${role}` },
        subjects: [{ kind: "User", name: user }],
        roleRef: { kind: "ClusterRole", name: role },
      });
    await cluster.admin("POST", `${RBAC}/clusterroles`, {
      metadata: { name: "paths" },
      rules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
    });
    await bindTo("jane", "paths");
    await bindTo("root", "cluster-admin");
    const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
    for (const path of ["/apply", "/credentials", "/store/compact"]) {
      const method = path === "/apply" ? "PUT" : "POST";
      assert.equal((await cluster.jane(method, path, configMap)).code, 403, path);
    }
    assert.equal((await cluster.jane("GET", "/metrics/x")).code, 404);
    assert.equal((await cluster.as("root", "PUT", "/apply", configMap)).code, 200);
    assert.equal((await cluster.as("root", "GET", "/api/v1/secrets")).code, 200);
  },
);

rbacTest("every user may look at what the API serves", async (cluster) => {
  for (const path of ["/api", "/apis", "/api/v1", "/apis/apps/v1", "/openapi/v3", "/version"]) {
    assert.equal((await cluster.jane("GET", path)).code, 200, path);
  }
  assert.equal((await cluster.as("nobody", "GET", "/api")).code, 401);
});

rbacTest(
  "the default roles are there, and what is taken out of them comes back at the next start",
  async (cluster) => {
    const { rules } = await cluster.admin("GET", `${RBAC}/clusterroles/system:aggregate-to-view`);
    assert.ok(rules.some(({ resources }: Body) => resources.includes("pods/log")));
    const { subjects } = await cluster.admin("GET", `${CLUSTER_BINDINGS}/cluster-admin`);
    assert.deepEqual(subjects.map(({ name }: Body) => name), ["system:masters"]);
  },
);
