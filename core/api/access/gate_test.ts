import assert from "node:assert/strict";
import { ApiError } from "../../client/api_error.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { silentLog } from "../../lib/log.ts";
import { freshObjects } from "../../objects/objects_fixture.ts";
import type { User } from "../http/api_context.ts";
import { Authenticator } from "./authenticator.ts";
import { ALLOW, type Authorizer, AuthorizerChain, NO_OPINION, NO_RULES } from "./authorizer.ts";
import { AUTHORIZERS } from "./built_in_authorizers.ts";
import { Gate, type RequestHead } from "./gate.ts";
import { onAuthenticated } from "./peer.ts";
import type { Standby } from "./standby.ts";
import { tokenId } from "./token_id.ts";

const USERS = new Map<string, User>([
  [tokenId("admin"), { name: "admin", groups: ["system:masters"] }],
  [tokenId("jane"), { name: "jane", groups: ["dev"] }],
]);
const { objects } = await freshObjects();
const PODS = "/api/v1/namespaces/default/pods";

/** Of these, developers may look at pods, but never into those called "secret". */
const developers: Authorizer = {
  authorize: ({ groups }, attributes) => {
    if (!attributes.isResource || !groups.includes("dev")) return NO_OPINION;
    if (attributes.name === "secret") return { outcome: "deny", reason: "hands off" };
    return attributes.verb === "get" ? Promise.resolve(ALLOW) : NO_OPINION;
  },
  rulesFor: () => NO_RULES,
};

function gateOf({ standby }: { standby?: Standby } = {}): Gate {
  const log = silentLog(new VirtualClock());
  return new Gate({
    authenticator: new Authenticator({ tokens: (id) => USERS.get(id), log }),
    authorizer: new AuthorizerChain([
      ...AUTHORIZERS.map((create) => create(objects)),
      developers,
    ]),
    ...(standby && { standby }),
  });
}

/** Without a token: nobody. */
function head(line: string, token?: string, more: Partial<RequestHead> = {}): RequestHead {
  const [method, target] = line.split(" ");
  return {
    method: method!,
    url: `https://x${target}`,
    authorization: token && `Bearer ${token}`,
    headers: [],
    socket: undefined,
    ...more,
  };
}

/** The refusal, or who has been admitted. */
async function outcome(gate: Gate, request: RequestHead): Promise<string> {
  try {
    return (await gate.admit(request)).user.name;
  } catch (error) {
    if (error instanceof ApiError) return `${error.reason}: ${error.message}`;
    throw error;
  }
}

Deno.test("authorizers are asked in order, those that are built in first", async () => {
  const cannot = 'is forbidden: User "jane" cannot';
  const where = 'resource "pods" in API group "" in the namespace "default"';
  const table: [string, string | undefined, string][] = [
    [`DELETE ${PODS}/secret`, "admin", "admin"],
    ["GET /livez", undefined, "system:anonymous"],
    ["GET /livez", "jane", "jane"],
    ["POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "jane", "jane"],
    [`GET ${PODS}/web`, "jane", "jane"],
    [`GET ${PODS}/web`, undefined, "Unauthorized: Unauthorized"],
    [`GET ${PODS}/web`, "mallory", "Unauthorized: Unauthorized"],
    [`GET ${PODS}`, "jane", `Forbidden: pods ${cannot} list ${where}`],
    [`GET ${PODS}/secret`, "jane", `Forbidden: pods "secret" ${cannot} get ${where}: hands off`],
    ["GET /api", "jane", "jane"],
    ["GET /api", undefined, "Unauthorized: Unauthorized"],
    ["GET /metrics", "jane", 'Forbidden: forbidden: User "jane" cannot get path "/metrics"'],
  ];
  const gate = gateOf();
  for (const [line, token, expected] of table) {
    assert.equal(await outcome(gate, head(line, token)), expected, line);
  }
});

Deno.test("on standby only requests for objects are refused, and only of those who may ask", async () => {
  const gate = gateOf({
    standby: (request) => request === "write" ? "another server owns the store" : undefined,
  });
  const refused = "ServiceUnavailable: another server owns the store";
  const table: [string, string | undefined, string][] = [
    [`POST ${PODS}`, "admin", refused],
    ["PUT /apply", "admin", refused],
    [`POST ${PODS}/web/exec`, "admin", refused],
    [`GET ${PODS}`, "admin", "admin"],
    [`GET ${PODS}/web/status`, "admin", "admin"],
    ["GET /apis/apps/v1/namespaces/default/deployments/web/scale", "admin", "admin"],
    // The owner has the tunnels of nodes, and writes for those that come.
    ["GET /api/v1/nodes/edge/tunnel", "admin", refused],
    ["GET /api/v1/nodes/edge/follow", "admin", refused],
    [`GET ${PODS}/web/exec`, "admin", refused],
    [`GET ${PODS}/web/log`, "admin", refused],
    ["POST /store/compact", "admin", "admin"],
    [`POST ${PODS}`, undefined, "Unauthorized: Unauthorized"],
  ];
  for (const [line, token, expected] of table) {
    assert.equal(await outcome(gate, head(line, token)), expected, line);
  }
});

Deno.test("who may be somebody else is that one, and who may not is told what he lacks", async () => {
  const gate = gateOf();
  const as = (token: string, ...headers: string[]) =>
    outcome(gate, head(`GET ${PODS}/web`, token, { headers: ["accept", "*/*", ...headers] }));
  assert.equal(await as("admin", "Impersonate-User", "jane", "impersonate-group", "dev"), "jane");
  assert.equal(
    await as("jane", "impersonate-user", "admin"),
    'Forbidden: users "admin" is forbidden: User "jane" cannot impersonate resource "users" in API group "" ' +
      "at the cluster scope",
  );
  assert.match(
    await as("admin", "Impersonate-User", "nobody"),
    /^Forbidden: .*User "nobody" cannot get/,
  );
  const { sender, user } = await gate.admit(head("GET /livez", "admin", {
    headers: ["Impersonate-User", "jane"],
  }));
  assert.deepEqual([sender?.name, user.name], ["admin", "jane"]);
});

Deno.test("whoever shows who he is is known to the front, also when he may not", async () => {
  const table: [string | undefined, string][] = [
    ["jane", "jane"],
    ["admin", "the admin"],
    [undefined, "nobody"],
    ["mallory", "nobody"],
  ];
  for (const [token, expected] of table) {
    const socket = {};
    let known = "nobody";
    onAuthenticated(socket, (user) => known = user ?? "the admin");
    await outcome(gateOf(), head(`DELETE ${PODS}`, token, { socket }));
    assert.equal(known, expected, `${token}`);
  }
});
