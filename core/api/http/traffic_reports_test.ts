import assert from "node:assert/strict";
import { nodeUser } from "../access/nodes/node_identity.ts";
import { freshApi } from "../api_fixture.ts";

const COUNTS = {
  ...{ requests: 3, inFlight: 0, answers: [0, 3, 0, 0, 0], retries: 0, failures: 0 },
  ...{ latency: new Array(14).fill(0), latencySumMs: 1.5 },
};
const REPORT = {
  versions: { HTTPRoute: 7, Service: 9 },
  shared: ["shop/web abc"],
  changed: ["shop"],
  counts: [{ namespace: "shop", service: "web", port: 80, hash: "abc", counts: COUNTS }],
};

Deno.test("a proxy elsewhere says what it serves, of its own node alone, and within bounds", async () => {
  const users = {
    "node-a": nodeUser("node-a"),
    jane: { name: "jane", groups: ["system:authenticated"] },
  };
  const { ask } = await freshApi({ users });
  const put = async (node: string, body: unknown, user: string) =>
    await ask("PUT", `/traffic-reports/${node}`, body, { authorization: `Bearer ${user}` });
  const taken = await put("node-a", REPORT, "node-a");
  assert.equal(taken.status, 200);
  assert.deepEqual(await taken.json(), { nextMs: 60_000 });
  assert.equal((await put("node-b", REPORT, "node-a")).status, 403);
  assert.equal((await put("node-a", REPORT, "jane")).status, 403);
  assert.equal((await put("node-a", {}, "node-a")).status, 200);
  for (
    const bad of [
      { shared: "all" },
      { versions: { HTTPRoute: -1 } },
      { busy: ["x".repeat(601)] },
      { shared: new Array(5_001).fill("shop/web abc") },
      { counts: [{ ...REPORT.counts[0], port: 0 }] },
      { counts: [{ ...REPORT.counts[0], counts: { ...COUNTS, latency: [1] } }] },
    ]
  ) {
    assert.equal(
      (await put("node-a", bad, "node-a")).status,
      400,
      JSON.stringify(bad).slice(0, 99),
    );
  }
});
