import assert from "node:assert/strict";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import { eventually } from "../eventually.ts";
import { ServerProcess } from "../server_process.ts";

Deno.test("nodes get the ranges of the cluster, and one for which none is left is told of", async () => {
  const args = ["--cluster-cidr", "10.142.0.0/23", "--node-cidr-mask-size", "24", "--stop-pods"];
  const server = await ServerProcess.start({ runtime: "process", args });
  const post = async (name: string) => {
    const body = JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name } });
    const headers = { "content-type": "application/json" };
    const answer = await server.fetch("/api/v1/nodes", { method: "POST", headers, body });
    assert.equal(answer.status, 201, await answer.text());
  };
  const get = async (path: string) => await (await server.fetch(`/api/v1/${path}`)).json();
  const rangeOf = async (name: string) => (await get(`nodes/${name}`) as Node).spec.podCIDR;
  try {
    for (const name of ["one", "two", "three"]) await post(name);
    await eventually("an event", async () => {
      const { items } = await get("events?fieldSelector=reason%3DCIDRNotAvailable");
      return items.some(({ message }: { message: string }) =>
        message === "Node three status is now: CIDRNotAvailable"
      );
    });
    const ranges = await Promise.all(["one", "two", "three"].map(rangeOf));
    assert.deepEqual(ranges, ["10.142.0.0/24", "10.142.1.0/24", undefined]);
    await server.fetch("/api/v1/nodes/one", { method: "DELETE" });
    await eventually("its range is given on", async () => await rangeOf("three") === ranges[0]);
  } finally {
    assert.equal(await server.stop(), 0, server.log);
    await Deno.remove(server.dataFolder, { recursive: true });
  }
});
