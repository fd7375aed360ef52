import assert from "node:assert/strict";
import {
  type ClusterRoleBinding,
  clusterRoleBindings,
} from "../resources/rbac/cluster_role_bindings.ts";
import { type ClusterRole, clusterRoles } from "../resources/rbac/cluster_roles.ts";
import { AUTOUPDATE } from "../resources/rbac/default_roles.ts";
import { ensureDefaultRights } from "./default_rights.ts";
import type { LocalClient } from "./local_client.ts";
import { freshObjects } from "./objects_fixture.ts";

const VIEW_RULES = { name: "system:aggregate-to-view" };
const EXTRA = { verbs: ["get"], apiGroups: ["example.com"], resources: ["things"] };

function roleOf(client: LocalClient, name: string): ClusterRole {
  return client.get(clusterRoles, { name })!;
}

Deno.test("what was taken out of a default role comes back, and what was added stays", async () => {
  const { objects, client } = await freshObjects();
  const role = roleOf(client, VIEW_RULES.name);
  const [first, ...rest] = role.rules!;
  await client.update(clusterRoles, { ...role, rules: [...rest, EXTRA] });
  await ensureDefaultRights(objects);
  assert.deepEqual(roleOf(client, VIEW_RULES.name).rules, [...rest, EXTRA, first]);
  const { resourceVersion } = roleOf(client, VIEW_RULES.name).metadata;
  await ensureDefaultRights(objects);
  assert.equal(roleOf(client, VIEW_RULES.name).metadata.resourceVersion, resourceVersion);
});

Deno.test("a default role that says so is left alone; one that was deleted is made again", async () => {
  const { objects, client } = await freshObjects();
  const role = roleOf(client, VIEW_RULES.name);
  const metadata = { ...role.metadata, annotations: { [AUTOUPDATE]: "false" } };
  await client.update(clusterRoles, { ...role, metadata, rules: [EXTRA] });
  await client.delete(clusterRoles, { name: "system:monitoring" });
  await ensureDefaultRights(objects);
  assert.deepEqual(roleOf(client, VIEW_RULES.name).rules, [EXTRA]);
  assert.equal(roleOf(client, "system:monitoring").rules?.length, 2);
});

Deno.test("the groups of a default binding come back, and further subjects stay", async () => {
  const { objects, client } = await freshObjects();
  const bindingOf = () => client.get(clusterRoleBindings, { name: "cluster-admin" })!;
  const jane = { kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "jane" };
  const { subjects: [masters] = [] } = bindingOf();
  const changed: ClusterRoleBinding = { ...bindingOf(), subjects: [jane] };
  await client.update(clusterRoleBindings, changed);
  await ensureDefaultRights(objects);
  assert.deepEqual(bindingOf().subjects, [jane, masters]);
});
