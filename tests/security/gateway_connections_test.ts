import assert from "node:assert/strict";
import {
  backendAt,
  readText,
  tableOf,
  withProxy,
  withServer,
  writeText,
} from "../../proxy/threads/proxy_fixture.ts";
import type { RouteTable } from "../../proxy/table/route_table.ts";
import { bodyOf, GatewaySite, routeOf } from "./gateway_site.ts";

/** More connections than a listener, or a whole thread, accepts. */
const MANY = 4_200;

Deno.test("a stranger's idle connections lock nobody out of the gateway or the Services", () =>
  withServer(() => new Response("well"), (backend) =>
    withProxy(async (proxy) => {
      const web = tableOf([[1, backendAt("b", backend)]]);
      const service = {
        protocol: "TCP",
        name: "s",
        address: "127.0.0.1",
        port: 0,
        backend: 0,
      } as const;
      const table: RouteTable = { ...web, listeners: [...web.listeners, service] };
      const { listening: [gateway, cluster] } = await proxy.use(table);
      const open: Deno.TcpConn[] = [];
      try {
        for (let i = 0; i < MANY; i++) {
          open.push(await Deno.connect({ hostname: "127.0.0.1", port: gateway!.port }));
        }
        for (const { port } of [gateway!, cluster!]) {
          const answer = await fetch(`http://127.0.0.1:${port}/`, {
            signal: AbortSignal.timeout(3_000),
          });
          assert.equal(await answer.text(), "well");
        }
        const { connections } = await proxy.stats();
        assert.ok(connections < MANY / 2, `${connections} connections are open`);
      } finally {
        for (const connection of open) connection.close();
      }
    })));

Deno.test("a stranger's tunnel does not keep the gateway from being stopped", async () => {
  const site = GatewaySite.start();
  try {
    site.a.answer = async (connection) => {
      await writeText(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
    };
    await site.use(
      site.gateway("bank", "2026-01-01T00:00:00Z"),
      ...site.service("bank", site.a),
      routeOf("bank", [["/", "a"]]),
    );
    const client = await Deno.connect({ hostname: "127.0.0.1", port: site.port });
    await writeText(
      client,
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    );
    assert.match(await readText(client), /^HTTP\/1.1 101 /);
    const stopped = site.stop();
    assert.equal(await readText(client).catch(() => ""), "");
    client.close();
    await stopped;
  } finally {
    await site.stop();
  }
});

Deno.test("a backend's endless interim answers take no memory of the gateway, and end", async () => {
  const site = GatewaySite.start();
  try {
    let sentBytes = 0;
    site.a.answer = async (connection) => {
      const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(1_000);
      for (let i = 0; i < 2_000; i++) sentBytes += await writeText(connection, hints);
    };
    await site.use(
      site.gateway("bank", "2026-01-01T00:00:00Z"),
      ...site.service("bank", site.a),
      routeOf("bank", [["/", "a"]]),
    );
    const client = await Deno.connect({ hostname: "127.0.0.1", port: site.port });
    await writeText(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let text = "";
    for (let part = await readText(client); part !== ""; part = await readText(client)) {
      text += part;
    }
    client.close();
    assert.equal(text.match(/HTTP\/1.1 103/g)!.length, 100);
    assert.match(bodyOf(text.slice(text.indexOf("HTTP/1.1 502"))), /too many interim answers\n$/);
    assert.ok(sentBytes < 8_000_000, `${sentBytes} bytes were taken`);
  } finally {
    await site.stop();
  }
});
