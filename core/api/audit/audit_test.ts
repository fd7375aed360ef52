import assert from "node:assert/strict";
import { Random } from "../../lib/random.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { freshApi } from "../api_fixture.ts";
import { Audit } from "./audit.ts";
import { auditLine } from "./audit_line.ts";
import type { Observation } from "./event.ts";
import type { Policy } from "./policy.ts";

interface Event {
  level: string;
  stage: string;
  auditID: string;
  user: { username?: string };
  impersonatedUser?: { username: string };
  objectRef?: Record<string, string>;
  requestObject?: unknown;
  responseStatus?: { code: number; message?: string };
  annotations?: Record<string, string>;
}

async function auditedApi(policy: Policy) {
  const seen: Observation[] = [];
  const clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z"));
  const sink = { write: (one: Observation) => seen.push(one) };
  const audit = new Audit({ policy, sink, clock, random: new Random(2) });
  const users = { joes: { name: "joe", groups: [] } };
  const fixture = await freshApi({ clock, audit, users });
  return {
    ...fixture,
    events: async (): Promise<Event[]> =>
      await Promise.all(seen.splice(0).map(async (one) => JSON.parse(await auditLine(one)))),
  };
}

const MAPS = "/api/v1/namespaces/default/configmaps";
const ALL: Policy = { rules: [{ level: "Request" }] };

Deno.test("audit: a request is told of when it comes and when it is answered", async () => {
  const { ask, events } = await auditedApi(ALL);
  const answer = await ask("POST", MAPS, { metadata: { name: "a" } });
  assert.equal(answer.status, 201);
  const [received, complete, ...more] = await events();
  assert.deepEqual(more, []);
  assert.deepEqual([received!.stage, complete!.stage], ["RequestReceived", "ResponseComplete"]);
  assert.deepEqual([received!.auditID, complete!.auditID], [
    answer.headers.get("audit-id"),
    answer.headers.get("audit-id"),
  ]);
  assert.equal(received!.responseStatus, undefined);
  assert.equal(received!.annotations, undefined);
  assert.equal(complete!.objectRef!.name, "a");
  assert.deepEqual(complete!.requestObject, { metadata: { name: "a" } });
  assert.equal(complete!.responseStatus!.code, 201);
  assert.equal(complete!.annotations!["authorization.k8s.io/decision"], "allow");
});

Deno.test("audit: refusals of the gate are told of", async () => {
  const { ask, events } = await auditedApi(ALL);
  assert.equal((await ask("GET", MAPS, undefined, { authorization: "Bearer x" })).status, 401);
  const [unknown, ...more] = await events();
  assert.deepEqual(more, []);
  assert.equal(unknown!.stage, "ResponseStarted");
  assert.deepEqual(unknown!.user, {});
  assert.deepEqual(unknown!.responseStatus, {
    metadata: {},
    message: "Authentication failed, attempted: bearer",
    code: 401,
  });
  assert.equal((await ask("GET", MAPS, undefined, { authorization: "Bearer joes" })).status, 403);
  const [, refused] = await events();
  assert.equal(refused!.user.username, "joe");
  assert.equal(refused!.responseStatus!.code, 403);
  assert.equal(refused!.annotations!["authorization.k8s.io/decision"], "forbid");
});

Deno.test("audit: whoever acts as somebody else is told of with him", async () => {
  const { ask, events } = await auditedApi(ALL);
  await ask("GET", MAPS, undefined, { "impersonate-user": "joe" });
  const [, complete] = await events();
  assert.notEqual(complete!.user.username, "joe");
  assert.equal(complete!.impersonatedUser!.username, "joe");
});

Deno.test("audit: the policy chooses requests and stages", async () => {
  const { ask, events } = await auditedApi({
    omitStages: ["RequestReceived"],
    rules: [{ level: "Metadata", verbs: ["list"] }],
  });
  await ask("GET", `${MAPS}/a`);
  await ask("GET", MAPS);
  assert.deepEqual((await events()).map(({ level, stage }) => [level, stage]), [
    ["Metadata", "ResponseComplete"],
  ]);
});

Deno.test("audit: a fault of the server is told of as a panic", async () => {
  const { ask, events, objects } = await auditedApi(ALL);
  Object.defineProperty(objects, "create", {
    value: () => {
      throw new TypeError("a fault");
    },
  });
  assert.equal((await ask("POST", MAPS, { metadata: { name: "a" } })).status, 500);
  assert.deepEqual(
    (await events()).map(({ stage, responseStatus }) => [
      stage,
      responseStatus?.code,
    ]),
    [["RequestReceived", undefined], ["Panic", 500]],
  );
});
