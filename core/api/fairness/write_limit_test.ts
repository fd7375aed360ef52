import assert from "node:assert/strict";
import { ApiError } from "../../client/api_error.ts";
import { nodeUser } from "../access/nodes/node_identity.ts";
import { ADMIN } from "../access/pki.ts";
import type { User } from "../http/api_context.ts";
import { WriteLimit } from "./write_limit.ts";

const admin: User = { name: ADMIN.commonName, groups: [ADMIN.organization] };

Deno.test("a node that holds its writes open keeps neither the admin nor other nodes from theirs", () => {
  const limit = new WriteLimit(4, 2);
  const [edge, other] = [nodeUser("edge"), nodeUser("other")];
  limit.enter(edge);
  limit.enter(edge);
  assert.throws(() => limit.enter(edge), ApiError);
  limit.enter(other);
  limit.enter(admin);
  assert.throws(() => limit.enter(admin), ApiError, "all places are taken");
  for (const user of [edge, edge, other, admin]) limit.leave(user);
  limit.enter(edge);
  limit.enter(edge);
});

Deno.test("the admin may take all places", () => {
  const limit = new WriteLimit(4, 2);
  for (let i = 0; i < 4; i++) limit.enter(admin);
  assert.throws(() => limit.enter(admin), ApiError);
});
