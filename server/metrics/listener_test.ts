import assert from "node:assert/strict";
import { serveMetrics } from "./listener.ts";

const HERE = { host: "127.0.0.1", port: 0 };

Deno.test("the address of metrics tells them, and nothing else", async () => {
  let asked = 0;
  const { port, stop } = serveMetrics(HERE, () => Promise.resolve(`asked ${++asked}\n`));
  try {
    for (
      const [method, path, status, text] of [
        ["GET", "/metrics", 200, "asked 1\n"],
        ["GET", "/metrics?x=1", 200, "asked 2\n"],
        ["GET", "/metrics/more", 404, "404 page not found\n"],
        ["GET", "/api/v1/pods", 404, "404 page not found\n"],
        ["POST", "/metrics", 405, "Method Not Allowed\n"],
      ] as const
    ) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
      assert.deepEqual([answer.status, await answer.text()], [status, text], `${method} ${path}`);
    }
  } finally {
    await stop();
  }
});

Deno.test("an address that somebody has is refused", async () => {
  const { port, stop } = serveMetrics(HERE, () => Promise.resolve(""));
  assert.throws(() => serveMetrics({ ...HERE, port }, () => Promise.resolve("")), /in use/);
  await stop();
});
