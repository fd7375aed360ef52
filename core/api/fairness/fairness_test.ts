import assert from "node:assert/strict";
import { Hono } from "hono";
import { ApiError } from "../../client/api_error.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { freshObjects } from "../../objects/objects_fixture.ts";
import { flowSchemas } from "../../resources/flowcontrol/flow_schemas.ts";
import { priorityLevelConfigurations } from "../../resources/flowcontrol/priority_level_configurations.ts";
import { nodeUser } from "../access/nodes/node_identity.ts";
import type { ApiEnv, User } from "../http/api_context.ts";
import { requestInfoOf } from "../http/request_info.ts";
import { Fairness, passFairness } from "./fairness.ts";
import { PriorityLevel, WAIT_MS_MAX } from "./priority_level.ts";
import { handOf } from "./shuffle_sharding.ts";

const admin: User = { name: "admin", groups: ["system:masters", "system:authenticated"] };
const jane: User = { name: "jane", groups: ["system:authenticated"] };
const account = (namespace: string): User => ({
  name: `system:serviceaccount:${namespace}:default`,
  groups: ["system:serviceaccounts", "system:authenticated"],
});
const manager: User = { name: "system:kube-controller-manager", groups: ["system:authenticated"] };
const PODS = "/api/v1/namespaces/default/pods";

for (
  const [user, method, path, flow] of [
    [admin, "GET", PODS, "exempt"],
    [jane, "GET", PODS, "global-default"],
    [jane, "GET", "/healthz", "probes"],
    [jane, "GET", "/readyz/ping", "probes"],
    [jane, "GET", "/version", "global-default"],
    [nodeUser("n"), "GET", PODS, "system-nodes"],
    [nodeUser("n"), "PATCH", "/api/v1/nodes/n/status", "system-node-high"],
    [
      nodeUser("n"),
      "PUT",
      "/apis/coordination.k8s.io/v1/namespaces/a/leases/n",
      "system-node-high",
    ],
    [account("kube-system"), "GET", PODS, "kube-system-service-accounts"],
    [
      account("kube-system"),
      "PUT",
      "/apis/coordination.k8s.io/v1/namespaces/a/leases/n",
      "system-leader-election",
    ],
    [account("kube-system-2"), "GET", PODS, "service-accounts"],
    [manager, "DELETE", PODS, "kube-controller-manager"],
  ] as const
) {
  Deno.test(`${method} ${path} by ${user.name} belongs to the flow ${flow}`, async () => {
    const { objects, clock } = await freshObjects();
    const fairness = new Fairness({ store: objects.store, clock });
    const info = requestInfoOf(method, `https://x${path}`);
    const found = fairness.flowOf(user, info);
    assert.equal(found.name, flow);
    assert.deepEqual(
      found.headers["x-kubernetes-pf-flowschema-uid"],
      objects.get(flowSchemas, { name: flow }).object.metadata.uid,
    );
  });
}

/** An app with one level of two seats for jane, in two queues of one request each. */
async function limited(more: object = {}) {
  const { objects, clock } = await freshObjects();
  const rule = {
    subjects: [{ kind: "User", user: { name: "*" } }],
    resourceRules: [
      { verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"], clusterScope: true },
    ],
  };
  await objects.create(flowSchemas, {
    metadata: { name: "own" },
    spec: {
      priorityLevelConfiguration: { name: "own" },
      matchingPrecedence: 5,
      distinguisherMethod: { type: "ByUser" },
      rules: [rule],
    },
  });
  const queuing = { queues: 64, handSize: 1, queueLengthLimit: 2 };
  await objects.create(priorityLevelConfigurations, {
    metadata: { name: "own" },
    spec: {
      type: "Limited",
      limited: {
        nominalConcurrencyShares: 2,
        borrowingLimitPercent: 0,
        limitResponse: { type: "Queue", queuing },
        ...more,
      },
    },
  });
  // 247 shares in all: as many seats make two for these two shares
  const fairness = new Fairness({ store: objects.store, clock, seats: 247 });
  const releases: (() => void)[] = [];
  const started: string[] = [];
  const app = new Hono<ApiEnv>();
  app.use(async (c, next) => {
    c.set("user", { ...jane, name: c.req.header("user") ?? "jane" });
    c.set("info", requestInfoOf(c.req.method, c.req.url));
    await next();
  });
  app.use(passFairness(fairness));
  app.all("*", async (c) => {
    started.push(c.req.header("user") ?? "jane");
    await new Promise<void>((resolve) => releases.push(resolve));
    return c.text("done");
  });
  app.onError((error, c) => c.text("", error instanceof ApiError ? 429 : 500));
  const ask = async (user = "jane", path = PODS) => {
    const answer = Promise.resolve(app.request(path, { headers: { user } }));
    await settled();
    return answer.then(({ status }) => status);
  };
  return {
    ask: (user?: string, path?: string) => ({ status: ask(user, path) }),
    releases,
    started,
    clock,
  };
}

const settled = async () => {
  for (let turn = 0; turn < 20; turn++) await undefined;
};

Deno.test("who finds no seat waits for one, and is refused when the queue is full", async () => {
  const { ask, releases, started } = await limited();
  const seated = [ask(), ask()];
  const waiting = [ask(), ask()];
  await settled();
  assert.equal(started.length, 2);
  assert.equal(await ask().status, 429);
  releases.splice(0).forEach((release) => release());
  await settled();
  assert.equal(started.length, 4);
  releases.splice(0).forEach((release) => release());
  for (const { status } of [...seated, ...waiting]) assert.equal(await status, 200);
});

Deno.test("a flow that fills its queue does not keep another one waiting behind it", async () => {
  const { ask, releases, started } = await limited({
    limitResponse: { type: "Queue", queuing: { queues: 64, handSize: 1, queueLengthLimit: 50 } },
  });
  for (let i = 0; i < 12; i++) ask("greedy");
  ask("other");
  await settled();
  for (let i = 0; i < 2; i++) releases.shift()!();
  await settled();
  assert.deepEqual(started.slice(2), ["greedy", "other"]);
});

Deno.test("who waits for too long is refused", async () => {
  const { ask, clock, started } = await limited();
  ask();
  ask();
  const { status } = ask();
  await settled();
  clock.advance(WAIT_MS_MAX);
  assert.equal(await status, 429);
  assert.equal(started.length, 2);
});

Deno.test("a watch needs its seat to begin only", async () => {
  const { ask, started } = await limited();
  for (let i = 0; i < 5; i++) ask("jane", `${PODS}?watch=true`);
  await settled();
  assert.equal(started.length, 5);
});

Deno.test("a level uses what others do not, as far as it may", () => {
  const clock = new VirtualClock(0);
  let spare = 1;
  const pool = {
    waiting: 0,
    lendsTo: () => spare-- > 0,
    offer: (level: PriorityLevel) => level.seatWaiting(),
  };
  const level = new PriorityLevel({ seats: 1, lendable: 0, borrowable: 5 }, clock, pool);
  assert.deepEqual([level.enter(), level.enter(), level.enter()], [true, true, false]);
  assert.equal(level.borrowed, 1);
});

Deno.test("who leaves while waiting frees the place in the queue", async () => {
  const pool = {
    waiting: 0,
    lendsTo: () => false,
    offer: (level: PriorityLevel) => level.seatWaiting(),
  };
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 1 };
  const clock = new VirtualClock(0);
  const level = new PriorityLevel({ seats: 1, lendable: 0, borrowable: 0, queuing }, clock, pool);
  level.enter();
  let leave = () => {};
  const gone = level.wait("f", (act) => leave = act);
  await assert.rejects(level.wait("f"), ApiError);
  leave();
  await assert.rejects(gone, ApiError);
  const next = level.wait("f");
  assert.equal(pool.waiting, 1);
  level.leave();
  await next;
  assert.equal(pool.waiting, 0);
});

Deno.test("a hand has different cards of the deck, and nearly every flow another hand", () => {
  const hands = new Set<string>();
  for (let i = 0; i < 500; i++) {
    const hand = handOf(`flow ${i}`, 128, 6);
    assert.equal(new Set(hand).size, 6);
    assert.ok(hand.every((card) => card >= 0 && card < 128));
    hands.add([...hand].sort().join());
  }
  assert.ok(hands.size > 495, String(hands.size));
  assert.deepEqual(handOf("f", 3, 3).sort(), [0, 1, 2]);
});
