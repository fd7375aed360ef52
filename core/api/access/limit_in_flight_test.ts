import assert from "node:assert/strict";
import { Hono } from "hono";
import { ApiError } from "../../client/api_error.ts";
import { nodeUser } from "./nodes/node_identity.ts";
import type { ApiEnv, User } from "../http/api_context.ts";
import { ADMIN } from "./pki.ts";
import { limitInFlight } from "./limit_in_flight.ts";

const admin: User = { name: ADMIN.commonName, groups: [ADMIN.organization] };

/** Four writes at once, two of each user. Writes wait until they are let go. */
function limited() {
  let user = admin;
  const release = Promise.withResolvers<void>();
  const app = new Hono<ApiEnv>();
  app.use(async (c, next) => {
    c.set("user", user);
    await next();
  });
  app.use(limitInFlight(4, 2));
  app.all("/", async (c) => {
    if (c.req.method !== "GET") await release.promise;
    return c.text("done");
  });
  app.onError((error, c) => c.text("", error instanceof ApiError ? 429 : 500));
  const ask = (as: User, method = "POST") => {
    user = as;
    return Promise.resolve(app.request("/", { method }));
  };
  return { ask, release: () => release.resolve() };
}

Deno.test("a node that holds its writes open keeps neither the admin nor other nodes from theirs", async () => {
  const { ask, release } = limited();
  const [edge, other] = [nodeUser("edge"), nodeUser("other")];
  const held = [ask(edge), ask(edge)];
  assert.equal((await ask(edge)).status, 429);
  assert.equal((await ask(edge, "GET")).status, 200);
  held.push(ask(other), ask(admin));
  assert.equal((await ask(admin)).status, 429, "all places are taken");
  release();
  assert.deepEqual((await Promise.all(held)).map(({ status }) => status), [200, 200, 200, 200]);
  assert.equal((await ask(edge)).status, 200, "places are given back");
});

Deno.test("the admin may take all places", async () => {
  const { ask, release } = limited();
  const held = [1, 2, 3, 4].map(() => ask(admin));
  release();
  assert.deepEqual((await Promise.all(held)).map(({ status }) => status), [200, 200, 200, 200]);
});
