import assert from "node:assert/strict";
import { freshApi } from "../../core/api/api_fixture.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

Deno.test("a user of a namespace cannot fill the server's memory with a patch of 1.5 KB that copies", async () => {
  const { ask } = await freshApi();
  await ask("POST", CONFIG_MAPS, { metadata: { name: "bomb" }, data: { a: "b" } });
  const copies = Array.from({ length: 24 }, (_, i) => ({
    op: "copy",
    from: "/data",
    path: `/data/x${i}`,
  }));
  const patch = { "content-type": "application/json-patch+json" };
  const before = Deno.memoryUsage().heapUsed;
  const answer = await ask("PATCH", `${CONFIG_MAPS}/bomb`, JSON.stringify(copies), patch);
  const grownBytes = Deno.memoryUsage().heapUsed - before;
  assert.equal(answer.status, 422);
  const { message } = await answer.json(); // kube-apiserver does not say what is wrong with a patch
  assert.equal(message, "the server rejected our request due to an error in our request");
  assert.ok(grownBytes < 150e6, `${grownBytes} bytes`);
  const stored = await (await ask("GET", `${CONFIG_MAPS}/bomb`)).json();
  assert.deepEqual(stored.data, { a: "b" });
});

/** Linear work takes some 100 ms; quadratic work took a minute. */
const BLOCKED_MS_MAX = 5_000;
const PODS = "/api/v1/namespaces/default/pods";
const strategic = { "content-type": "application/strategic-merge-patch+json" };

Deno.test("a user of a namespace cannot hold up the server with a patch of long lists", async () => {
  const { ask } = await freshApi();
  const names = Array.from({ length: 8_000 }, (_, i) => `A${i}`);
  const env = names.map((name) => ({ name, value: "x" }));
  const container = { name: "c", image: "x", env };
  const pod = { metadata: { name: "long" }, spec: { containers: [container] } };
  assert.equal((await ask("POST", PODS, pod)).status, 201);
  const order = env.toReversed().map(({ name }) => ({ name }));
  const patched = { ...container, env: env.toReversed(), "$setElementOrder/env": order };
  const patch = JSON.stringify({ spec: { containers: [patched] } });
  const ms = await timed(async () => {
    assert.equal((await ask("PATCH", `${PODS}/long`, patch, strategic)).status, 422); // its env may not change
  });
  assert.ok(ms < BLOCKED_MS_MAX, `${ms} ms`);
});

Deno.test("a user of a namespace cannot hold up the server with an apply of long lists", async () => {
  const { ask } = await freshApi();
  const labels = { app: "a" };
  const applied = async (from: number) => {
    const env = Array.from({ length: 8_000 }, (_, i) => ({ name: `A${from + i}`, value: "x" }));
    const template = {
      metadata: { labels },
      spec: { containers: [{ name: "c", image: "x", env }] },
    };
    const spec = { selector: { matchLabels: labels }, template };
    const manifest = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec };
    assert.equal((await ask("PUT", "/apply", manifest)).status, 200);
  };
  await applied(0);
  const ms = await timed(() => applied(4_000));
  assert.ok(ms < BLOCKED_MS_MAX, `${ms} ms`);
});

Deno.test("a user of a namespace cannot hold up the server with the tolerations of a pod", async () => {
  const { ask } = await freshApi();
  const tolerations = Array.from({ length: 10_000 }, (_, i) => ({
    key: `k${i}`,
    operator: "Exists",
  }));
  const spec = { containers: [{ name: "c", image: "x" }], tolerations };
  assert.equal((await ask("POST", PODS, { metadata: { name: "p" }, spec })).status, 201);
  const patch = JSON.stringify({ spec: { activeDeadlineSeconds: 9 } });
  const ms = await timed(async () => {
    assert.equal((await ask("PATCH", `${PODS}/p`, patch, strategic)).status, 200);
  });
  assert.ok(ms < BLOCKED_MS_MAX, `${ms} ms`);
});

async function timed(act: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await act();
  return Math.round(performance.now() - startMs);
}
