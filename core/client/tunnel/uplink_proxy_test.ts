import assert from "node:assert/strict";
import { proxyFor } from "./uplink_proxy.ts";

const HTTPS = "http://proxy.example:3128";

Deno.test("the proxy of the environment is used, but not for what NO_PROXY names", () => {
  const table: [server: string, none: string, isUsed: boolean][] = [
    ["https://server.example:6443", "", true],
    ["https://server.example:6443", "*", false],
    ["https://server.example:6443", "server.example", false],
    ["https://server.example:6443", "SERVER.example", false],
    ["https://server.example:6443", "example", false],
    ["https://server.example:6443", ".example", false],
    ["https://server.example:6443", "*.example", false],
    ["https://server.example:6443", "erver.example", true],
    ["https://server.example:6443", "server.example:6443", false],
    ["https://server.example:6443", "server.example:443", true],
    ["https://server.example", "other, server.example:443", false],
    ["https://10.1.2.3:6443", "10.1.0.0/16", false],
    ["https://10.2.2.3:6443", "10.1.0.0/16", true],
    ["https://10.1.2.3:6443", "10.1.2.3", false],
    ["https://[2001:db8::1]:6443", "2001:db8::1", false],
    ["https://[2001:db8::1]:6443", "2001:db8:0:0::0001", false],
    ["https://[2001:db8::1]:6443", "[2001:db8::1]", false],
    ["https://[2001:db8::1]:6443", "[2001:db8::1]:6443", false],
    ["https://[2001:db8::1]:6443", "[2001:db8::1]:443", true],
    ["https://[2001:db8::1]:6443", "2001:db8::/32", false],
    ["https://[2001:db9::1]:6443", "2001:db8::/32", true],
    ["https://[2001:db8:8000::1]:6443", "2001:db8::/33", true],
    ["https://[2001:db8:7fff::1]:6443", "2001:db8::/33", false],
    ["https://[2001:db8::1]:6443", "0.0.0.0/0", true],
    ["https://10.1.2.3:6443", "::/0", true],
    ["https://10.1.2.3:6443", "10.1.2.3/33, 10.1.2.3/x, /8", true],
    ["https://server.example:6443", "10.0.0.0/8", true],
    ["https://127.0.0.1:6443", "", false],
    ["https://localhost:6443", "", false],
  ];
  for (const [server, none, isUsed] of table) {
    const proxy = proxyFor(new URL(server), { https: HTTPS, none });
    assert.equal(proxy !== undefined, isUsed, `${server} with "${none}"`);
  }
  assert.equal(proxyFor(new URL("https://server.example"), {}), undefined);
});

Deno.test("a proxy has a port, and credentials where it needs them; others are refused", () => {
  const url = new URL("https://server.example");
  assert.deepEqual(proxyFor(url, { https: "proxy.example" }), {
    ...{ host: "proxy.example", port: 80, authorization: undefined },
  });
  assert.deepEqual(proxyFor(url, { https: "http://me:p%40ss@[2001:db8::2]:8080" }), {
    ...{ host: "2001:db8::2", port: 8080, authorization: `Basic ${btoa("me:p@ss")}` },
  });
  for (const https of ["socks5://proxy.example", "https://proxy.example", "http://"]) {
    assert.throws(() => proxyFor(url, { https }), /Cannot use the proxy in HTTPS_PROXY/);
  }
});
