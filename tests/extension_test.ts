/**
 * Whoever adds something to Coracle writes one file and one entry in a list. Each toy here is such a file in
 * `tests/extension/`, passed to a real server as such an entry, and seen to work. A change that makes one of them need
 * a second place fails here, or does not compile.
 */
import assert from "node:assert/strict";
import { lighthouses } from "./extension/lighthouses.ts";
import { withAdditions } from "./extension/server_in_process.ts";

const LIGHTHOUSES = "/apis/example.com/v1/namespaces/default/lighthouses";

Deno.test("a kind is one file: it is served, found by discovery, and has its status and its columns", async () => {
  await withAdditions({ resources: [lighthouses] }, async (server) => {
    const draft = { metadata: { name: "north" }, spec: { color: "red" } };
    await server.ask("POST", LIGHTHOUSES, draft);
    const found = await server.ask<{ resources: { name: string }[] }>(
      "GET",
      "/apis/example.com/v1",
    );
    assert.deepEqual(found.resources.map(({ name }) => name), [
      "lighthouses",
      "lighthouses/status",
    ]);
    const lit = { ...draft, status: { flashes: 3 } };
    await server.ask("PUT", `${LIGHTHOUSES}/north/status`, {
      apiVersion: "example.com/v1",
      kind: "Lighthouse",
      ...lit,
    });
    await server.until<{ status: { flashes?: number } }>(
      `${LIGHTHOUSES}/north`,
      ({ status }) => status.flashes === 3,
    );
  });
});
