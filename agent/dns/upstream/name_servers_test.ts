import assert from "node:assert/strict";
import { NodeServers } from "./node_servers.ts";
import { nameServer, nameServersIn } from "./resolv_conf.ts";
import { stubRoutesOf } from "./stub_domains.ts";

Deno.test("the name servers of a resolv.conf are read as by glibc", () => {
  const text = "# comment\nsearch a b\nnameserver 192.0.2.1\n nameserver\tfe80::1%eth0\n" +
    "nameserver x\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n";
  assert.deepEqual(nameServersIn(text).map(({ address }) => address), [
    "192.0.2.1",
    "fe80::1%eth0",
    "192.0.2.3",
  ]);
  assert.deepEqual(nameServersIn(""), [{ address: "127.0.0.1", port: 53 }]);
});

Deno.test("a server may have a port", () => {
  assert.deepEqual(nameServer("192.0.2.1:5353"), { address: "192.0.2.1", port: 5353 });
  for (const text of ["192.0.2.1:0", "192.0.2.1:65536", "192.0.2", "host", ""]) {
    assert.equal(nameServer(text), undefined, text);
  }
});

Deno.test("the node's servers are read again after some time, and are never this one", () => {
  let text = "nameserver 192.0.2.1\nnameserver 10.96.0.10", reads = 0;
  const servers = new NodeServers(() => {
    reads++;
    return text;
  }, ["10.96.0.10"]);
  const addresses = (nowMs: number) => servers.at(nowMs).map(({ address }) => address);
  assert.deepEqual(addresses(0), ["192.0.2.1"]);
  text = "nameserver 192.0.2.2";
  assert.deepEqual([addresses(4_999), reads], [["192.0.2.1"], 1]);
  assert.deepEqual(addresses(5_000), ["192.0.2.2"]);
});

Deno.test("stub domains are read from the data of the ConfigMap, and what is wrong is said", () => {
  const { routes, problems } = stubRoutesOf({
    stubDomains: '{"Acme.local.": ["192.0.2.1", "192.0.2.2:5353"], "bad.local": ["x"], "worse": 7}',
    upstreamNameservers: '["192.0.2.9"]',
  });
  assert.deepEqual(routes, [
    {
      domain: "acme.local",
      servers: [{ address: "192.0.2.1", port: 53 }, { address: "192.0.2.2", port: 5353 }],
    },
    { domain: "", servers: [{ address: "192.0.2.9", port: 53 }] },
  ]);
  assert.equal(problems.length, 2);
  assert.match(stubRoutesOf({ stubDomains: "{" }).problems[0]!, /^stubDomains is no JSON/);
  assert.deepEqual(stubRoutesOf({}), { routes: [], problems: [] });
});
