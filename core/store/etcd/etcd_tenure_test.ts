import assert from "node:assert/strict";
import { settled, VirtualClock } from "../../lib/virtual_clock.ts";
import { EtcdClient } from "./etcd_client.ts";
import { EtcdLayout } from "./etcd_layout.ts";
import { EtcdTenure } from "./etcd_tenure.ts";

Deno.test("who has claimed etcd and cannot read the head leaves it to others", async () => {
  const asked: string[] = [];
  const answers: Record<string, unknown> = {
    "/v3/lease/grant": { ID: "7" },
    "/v3/kv/txn": { header: { revision: "5" }, succeeded: true },
    "/v3/kv/lease/revoke": {},
  };
  const serve = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  await using member = Deno.serve(serve, (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    return pathname in answers
      ? Response.json(answers[pathname])
      : Response.json({ message: "it is not well", code: 13 }, { status: 500 });
  });
  const clock = new VirtualClock();
  using client = new EtcdClient({ endpoints: [`http://127.0.0.1:${member.addr.port}`] }, clock);
  const layout = new EtcdLayout("/coracle");
  const self = { id: "s1", address: "https://192.0.2.1:6443" };
  const claimed = EtcdTenure.claim({ client, layout, clock, leaseMs: 5_000, self });
  await assert.rejects(claimed, /it is not well/);
  await settled();
  assert.equal(asked.at(-1), "/v3/kv/lease/revoke");
  assert.equal(clock.pending, 0); // nothing keeps the lease
});
