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
  assert.match((await answer.json()).message, /the accumulated size increase of copy is \d+/);
  assert.ok(grownBytes < 150e6, `${grownBytes} bytes`);
  const stored = await (await ask("GET", `${CONFIG_MAPS}/bomb`)).json();
  assert.deepEqual(stored.data, { a: "b" });
});
