import assert from "node:assert/strict";
import { pods } from "../../resources/core/pods/pods.ts";
import { podDisruptionBudgets } from "../../resources/policy/pod_disruption_budgets.ts";
import { freshApi } from "../api_fixture.ts";

const NAMESPACE = "/api/v1/namespaces/default";
const BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

/** A pod that runs, under budgets with the given status. */
async function started(
  { ready = true, budgets = [{}] as readonly object[], spec = {}, phase = "Running" } = {},
) {
  const { ask, objects } = await freshApi();
  const pod = {
    metadata: { name: "web", labels: { app: "web" } },
    spec: { nodeName: "n1", containers: [{ name: "a", image: "b" }] },
  };
  assert.equal((await ask("POST", `${NAMESPACE}/pods`, pod)).status, 201);
  await objects.amend(pods, { namespace: "default", name: "web" }, (current) => ({
    ...current,
    status: { phase, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  } as typeof current));
  for (const [i, status] of budgets.entries()) {
    const name = `b${i}`;
    const selector = { matchLabels: { app: "web" } };
    const body = { metadata: { name }, spec: { selector, minAvailable: 1, ...spec } };
    assert.equal((await ask("POST", BUDGETS, body)).status, 201);
    await objects.amend(podDisruptionBudgets, { namespace: "default", name }, (current) => ({
      ...current,
      status: { observedGeneration: 1, disruptionsAllowed: 0, ...status },
    } as typeof current));
  }
  const evict = async (body: object = {}, query = "") => {
    const eviction = {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name: "web" },
      ...body,
    };
    const answer = await ask("POST", `${NAMESPACE}/pods/web/eviction${query}`, eviction);
    return { code: answer.status, headers: answer.headers, status: await answer.json() };
  };
  const podNow = async () => await (await ask("GET", `${NAMESPACE}/pods/web`)).json();
  const budgetNow = async () => await (await ask("GET", `${BUDGETS}/b0`)).json();
  return { ask, evict, podNow, budgetNow };
}

Deno.test("an eviction takes one disruption of the budget, says why on the pod, and deletes it", async () => {
  const { evict, podNow, budgetNow } = await started({ budgets: [{ disruptionsAllowed: 1 }] });
  const { code, status } = await evict();
  assert.deepEqual([code, status.status, status.code], [201, "Success", 201]);
  const pod = await podNow();
  assert.equal(pod.metadata.deletionGracePeriodSeconds, 30);
  const target = pod.status.conditions.find(({ type }: { type: string }) =>
    type === "DisruptionTarget"
  );
  assert.deepEqual([target.status, target.reason, target.message], [
    "True",
    "EvictionByEvictionAPI",
    "Eviction API: evicting",
  ]);
  const { disruptionsAllowed, disruptedPods, conditions } = (await budgetNow()).status;
  assert.equal(disruptionsAllowed, 0);
  assert.deepEqual(disruptedPods, { web: "2026-01-01T00:00:00Z" });
  assert.equal(conditions[0].reason, "InsufficientPods");
});

for (
  const [title, budget, cause, retryAfter] of [
    [
      "no disruption is allowed",
      { desiredHealthy: 2, currentHealthy: 2 },
      "The disruption budget b0 needs 2 healthy pods and has 2 currently",
      null,
    ],
    [
      "its controller has not seen the budget",
      { observedGeneration: 0, disruptionsAllowed: 1 },
      "The disruption budget b0 is still being processed by the server.",
      "10",
    ],
  ] as const
) {
  Deno.test(`an eviction is refused when ${title}`, async () => {
    const { evict, podNow } = await started({ budgets: [budget] });
    const { code, status, headers } = await evict();
    assert.equal(code, 429);
    assert.equal(status.reason, "TooManyRequests");
    assert.equal(
      status.message,
      "Cannot evict pod as it would violate the pod's disruption budget.",
    );
    assert.deepEqual(status.details.causes, [{ reason: "DisruptionBudget", message: cause }]);
    assert.equal(headers.get("retry-after"), retryAfter);
    assert.equal((await podNow()).metadata.deletionTimestamp, undefined);
  });
}

Deno.test("two budgets for one pod are a fault that nobody can resolve", async () => {
  const { evict, podNow } = await started({ budgets: [{ disruptionsAllowed: 1 }, {}] });
  const { code, status } = await evict();
  assert.deepEqual([code, status.code, status.reason], [500, 500, undefined]);
  assert.match(status.message, /^This pod has more than one PodDisruptionBudget/);
  assert.equal((await podNow()).metadata.deletionTimestamp, undefined);
});

for (
  const [title, world, code] of [
    ["that has ended", { phase: "Succeeded", budgets: [{}] }, 201],
    ["that waits", { phase: "Pending", budgets: [{}] }, 201],
    ["under no budget", { budgets: [] }, 201],
    ["that is not ready, while enough are", {
      ready: false,
      budgets: [{ desiredHealthy: 1, currentHealthy: 1 }],
    }, 201],
    ["that is not ready, when too few are", {
      ready: false,
      budgets: [{ desiredHealthy: 2, currentHealthy: 1 }],
    }, 429],
    ["that is not ready, when the budget does not mind", {
      ready: false,
      budgets: [{ desiredHealthy: 2, currentHealthy: 1 }],
      spec: { unhealthyPodEvictionPolicy: "AlwaysAllow" },
    }, 201],
  ] as const
) {
  Deno.test(`the eviction of a pod ${title} is answered with ${code}`, async () => {
    const { evict } = await started(world);
    assert.equal((await evict()).code, code);
  });
}

Deno.test("a dry run of an eviction changes nothing, however it is asked for", async () => {
  const { evict, podNow, budgetNow } = await started({ budgets: [{ disruptionsAllowed: 1 }] });
  assert.equal((await evict({}, "?dryRun=All")).code, 201);
  assert.equal((await evict({ deleteOptions: { dryRun: ["All"] } })).code, 201);
  assert.equal((await podNow()).metadata.deletionTimestamp, undefined);
  assert.equal((await budgetNow()).status.disruptionsAllowed, 1);
});

Deno.test("an eviction is of the pod that is meant, and of no other", async () => {
  const { evict } = await started({ budgets: [] });
  const uid = await evict({ deleteOptions: { preconditions: { uid: "other" } } });
  assert.deepEqual([uid.code, uid.status.reason], [409, "Conflict"]);
  const version = await evict({ deleteOptions: { preconditions: { resourceVersion: "1" } } });
  assert.equal(version.code, 409);
  assert.equal((await evict({ metadata: { name: "other" } })).code, 400);
  assert.equal((await evict({ metadata: {} })).code, 400);
  assert.equal((await evict({ deleteOptions: 1 })).code, 422);
  const pod = await evict({ deleteOptions: { gracePeriodSeconds: 0 } });
  assert.equal(pod.code, 201);
  assert.equal((await evict()).code, 404);
});
