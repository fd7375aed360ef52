import assert from "node:assert/strict";
import { made, rowOf } from "../resource_fixture.ts";
import { clusterRoleBindings } from "./cluster_role_bindings.ts";
import { clusterRoles } from "./cluster_roles.ts";
import { roleBindings } from "./role_bindings.ts";
import { roles } from "./roles.ts";

const RULE = { verbs: ["get"], apiGroups: [""], resources: ["pods"] };
const ROLE_REF = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" };

Deno.test("a rule of a role needs verbs, groups and resources, or in a cluster role paths instead", () => {
  const causesOf = (rules: object[]) => made(roles, { rules }).causes;
  assert.deepEqual(causesOf([RULE]), []);
  assert.deepEqual(causesOf([RULE, {}]), [
    "rules[1].verbs: Required value: verbs must contain at least one value",
    "rules[1].apiGroups: Required value: resource rules must supply at least one api group",
    "rules[1].resources: Required value: resource rules must supply at least one resource",
  ]);
  const paths = { verbs: ["get"], nonResourceURLs: ["/metrics"] };
  assert.deepEqual(causesOf([paths]), [
    'rules[0].nonResourceURLs: Invalid value: ["/metrics"]: namespaced rules cannot apply to non-resource URLs',
  ]);
  assert.deepEqual(made(clusterRoles, { rules: [paths] }).causes, []);
  assert.deepEqual(made(clusterRoles, { rules: [{ ...RULE, ...paths }] }).causes, [
    'rules[0].nonResourceURLs: Invalid value: ["/metrics"]: rules cannot apply to both regular resources and non-resource URLs',
  ]);
});

Deno.test("a cluster role that aggregates others says which", () => {
  const causesOf = (aggregationRule: object) => made(clusterRoles, { aggregationRule }).causes;
  assert.deepEqual(causesOf({ clusterRoleSelectors: [{ matchLabels: { a: "b" } }] }), []);
  assert.deepEqual(causesOf({}), [
    "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil",
  ]);
  assert.match(
    causesOf({ clusterRoleSelectors: [{ matchLabels: { "a b": "c" } }] })[0]!,
    /^aggregationRule\.clusterRoleSelectors\[0\]\.matchLabels: Invalid value: "a b"/,
  );
});

Deno.test("a binding names a role, which it keeps, and known kinds of subjects", () => {
  const manifest = { roleRef: ROLE_REF, subjects: [{ kind: "User", name: "jane" }] };
  const { object, causes } = made(roleBindings, manifest);
  assert.deepEqual(causes, []);
  assert.deepEqual(object.subjects, [
    { kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "jane" },
  ]);
  const other = { ...ROLE_REF, name: "writer" };
  assert.deepEqual(made(roleBindings, { ...manifest, roleRef: other }, object).causes, [
    `roleRef: Invalid value: ${JSON.stringify(other)}: cannot change roleRef`,
  ]);
  assert.deepEqual(
    made(roleBindings, {
      roleRef: { apiGroup: "x", kind: "Thing", name: "a/b" },
      subjects: [
        { kind: "Robot", name: "r2" },
        { kind: "Group", apiGroup: "x", name: "dev" },
        { kind: "ServiceAccount", apiGroup: "x", name: "A" },
      ],
    }).causes.map((cause) => cause.slice(0, 70)),
    [
      'roleRef.apiGroup: Unsupported value: "x": supported values: "rbac.auth',
      'roleRef.kind: Unsupported value: "Thing": supported values: "Role", "C',
      `roleRef.name: Invalid value: "a/b": may not contain '/'`,
      'subjects[0].kind: Unsupported value: "Robot": supported values: "Servi',
      'subjects[1].apiGroup: Unsupported value: "x": supported values: "rbac.',
      'subjects[2].name: Invalid value: "A": a lowercase RFC 1123 subdomain m',
      'subjects[2].apiGroup: Unsupported value: "x": supported values: ""',
    ],
  );
});

Deno.test("a cluster role binding names a cluster role, and the namespace of service accounts", () => {
  const subjects = [{ kind: "ServiceAccount", name: "robot" }];
  assert.deepEqual(made(clusterRoleBindings, { roleRef: ROLE_REF, subjects }).causes, [
    'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    "subjects[0].namespace: Required value",
  ]);
});

Deno.test("kubectl shows the role of a binding, and with -o wide whose it is", () => {
  const { object } = made(roleBindings, {
    roleRef: ROLE_REF,
    subjects: [
      { kind: "User", name: "jane" },
      { kind: "User", name: "joe" },
      { kind: "Group", name: "dev" },
      { kind: "ServiceAccount", name: "robot", namespace: "ci" },
    ],
  });
  assert.deepEqual(rowOf(roleBindings, object, { wide: true }), {
    Name: "web",
    Role: "Role/reader",
    Age: "5m",
    Users: "jane, joe",
    Groups: "dev",
    ServiceAccounts: "ci/robot",
  });
});

Deno.test("bindings are found by whom they name, those of a namespace in it", () => {
  const subjects = [{ kind: "Group", name: "dev" }, { kind: "ServiceAccount", name: "robot" }];
  const { object } = made(roleBindings, { roleRef: ROLE_REF, subjects });
  assert.deepEqual(roleBindings.indexes["subject"]!(object), [
    "default|Group:dev",
    "default|User:system:serviceaccount:default:robot",
  ]);
});
