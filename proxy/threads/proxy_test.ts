import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { Proxy } from "./proxy.ts";
import {
  backendAt,
  exchange,
  readText,
  tableOf,
  withListener,
  withProxy,
  withServer,
  writeText,
} from "./proxy_fixture.ts";
import {
  EMPTY_TABLE,
  type HttpListener,
  type ListenerHost,
  type RouteTable,
} from "../table/route_table.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("weights 90 and 10: of 1,000 requests 900 and 100, one by one and over 64 connections", () =>
  withServer(
    () => new Response("stable"),
    (stable) =>
      withServer(() => new Response("canary"), (canary) =>
        withProxy(async (proxy) => {
          const table = tableOf([[90, backendAt("s", stable)], [10, backendAt("c", canary)]]);
          const url = await urlOf(proxy, table);
          assert.deepEqual(await countsOf(url, { requests: 1000, connections: 1 }), {
            stable: 900,
            canary: 100,
          });
          assert.deepEqual(await countsOf(url, { requests: 1000, connections: 64 }), {
            stable: 900,
            canary: 100,
          });
          const { backends } = await proxy.stats();
          assert.equal(backends["c"]!.requests, 200);
          assert.deepEqual(backends["s"]!.answers, [0, 1800, 0, 0, 0]);
          assert.equal(backends["s"]!.inFlight, 0);
        })),
  ));

Deno.test("a new table goes on with the cycle where the last one was", () =>
  withServer(
    () => new Response("stable"),
    (stable) =>
      withServer(() => new Response("canary"), (canary) =>
        withProxy(async (proxy) => {
          const table = tableOf([[9, backendAt("s", stable)], [1, backendAt("c", canary)]]);
          const counts: Record<string, number> = { stable: 0, canary: 0 };
          for (let i = 0; i < 10; i++) {
            const text = await (await fetch(await urlOf(proxy, table))).text();
            counts[text]!++;
          }
          assert.deepEqual(counts, { stable: 9, canary: 1 });
        })),
  ));

Deno.test("a share of weight 0 gets nothing", () =>
  withServer(
    () => new Response("stable"),
    (stable) =>
      withServer(() => new Response("canary"), (canary) =>
        withProxy(async (proxy) => {
          const table = tableOf([[1, backendAt("s", stable)], [0, backendAt("c", canary)]]);
          const counts = await countsOf(await urlOf(proxy, table), {
            requests: 50,
            connections: 5,
          });
          assert.deepEqual(counts, { stable: 50 });
        })),
  ));

Deno.test("5 MB come through whole, with a length and in chunks, both ways", () =>
  withServer(
    async (request) => new Response(await request.bytes()),
    (port) =>
      withProxy(async (proxy) => {
        const url = await urlOf(proxy, tableOf([[1, backendAt("b", port)]]));
        const body = new Uint8Array(5_000_000).map((_, i) => i * 31 >> 3);
        const whole = await fetch(url, { method: "POST", body });
        assert.ok(equalBytes(await whole.bytes(), body));
        const stream = new Blob([body]).stream();
        const chunked = await fetch(url, { method: "POST", body: stream });
        assert.ok(equalBytes(await chunked.bytes(), body));
      }),
  ));

Deno.test("a reader that is slow slows down the endpoint, and loses nothing", () => {
  const [chunk, chunks] = [new Uint8Array(1_000_000), 40];
  const isStalled = Promise.withResolvers<number>();
  const serve = async (connection: Deno.TcpConn) => {
    await readText(connection);
    await writeText(
      connection,
      `HTTP/1.1 200 OK\r\nContent-Length: ${chunk.length * chunks}\r\n\r\n`,
    );
    for (let i = 0; i < chunks; i++) {
      const stop = new SystemClock().after(150, () => isStalled.resolve(i));
      for (let at = 0; at < chunk.length;) at += await connection.write(chunk.subarray(at));
      stop();
    }
  };
  return withListener(serve, (port) =>
    withProxy(async (proxy) => {
      const listening = await portOf(proxy, tableOf([[1, backendAt("b", port)]]));
      const client = await Deno.connect({ hostname: "127.0.0.1", port: listening });
      await writeText(client, GET);
      assert.ok(await isStalled.promise < 30);
      const buffer = new Uint8Array(65536);
      let got = await client.read(buffer) ?? 0;
      const headLength = new TextDecoder().decode(buffer).indexOf("\r\n\r\n") + 4;
      while (got < headLength + chunk.length * chunks) got += await client.read(buffer) ?? Infinity;
      assert.equal(got, headLength + chunk.length * chunks);
      client.close();
    }));
});

Deno.test("WebSockets pass", () => {
  const answer = (request: Request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  };
  return withServer(answer, (port) =>
    withProxy(async (proxy) => {
      const url = await urlOf(proxy, tableOf([[1, backendAt("b", port)]]));
      const socket = new WebSocket(url.replace("http", "ws"));
      socket.onopen = () => socket.send("x".repeat(100_000));
      const echo = await new Promise((resolve) => socket.onmessage = ({ data }) => resolve(data));
      assert.equal(echo, "x".repeat(100_000));
      const closed = new Promise((resolve) => socket.onclose = ({ code }) => resolve(code));
      socket.close(4001);
      assert.equal(await closed, 4001);
    }));
});

Deno.test("an endpoint that closes a kept connection as the next request comes: GET is sent again", () => {
  let connections = 0;
  const serve = async (connection: Deno.TcpConn) => {
    connections++;
    await readText(connection);
    await writeText(connection, OK);
    await readText(connection);
    connection.close();
  };
  return withListener(serve, (port) =>
    withProxy(async (proxy) => {
      const url = await urlOf(proxy, tableOf([[1, backendAt("b", port)]]));
      for (let i = 0; i < 4; i++) assert.equal(await (await fetch(url)).text(), "ok");
      assert.equal(connections, 4);
      const answer = await fetch(url, { method: "POST" });
      assert.equal(answer.status, 502, await answer.text() + connections);
      assert.equal(connections, 4);
    }));
});

Deno.test("an endpoint that is not there: another one of the same backend answers, POST too", () =>
  withServer(() => new Response("here"), (port) =>
    withProxy(async (proxy) => {
      const url = await urlOf(proxy, tableOf([[1, backendAt("b", 1, port)]]));
      for (let i = 0; i < 4; i++) {
        assert.equal(await (await fetch(url, { method: "POST", body: "x" })).text(), "here");
      }
    })));

Deno.test("a pod that leaves under load may be killed as soon as it is drained: nothing is lost", () =>
  withProxy(async (proxy) => {
    const signal = AbortSignal.timeout(20_000);
    let pod = killablePod();
    const first = tableOf([[1, backendAt("b", pod.port)]]);
    const url = await urlOf(proxy, first);
    let answered = 0, isOver = false;
    let enough = Promise.withResolvers<void>();
    const load = Array.from({ length: 16 }, async () => {
      while (!isOver) {
        const answer = await fetch(url, { method: "POST", body: "x" });
        assert.equal(await answer.text(), "ok");
        assert.equal(answer.status, 200);
        if (++answered % 50 === 0) enough.resolve();
      }
    });
    for (let i = 0; i < 10; i++) {
      await Promise.race([enough.promise, ...load]);
      enough = Promise.withResolvers();
      const old = pod;
      pod = killablePod();
      await proxy.use(tableOf([[1, backendAt("b", pod.port)]]));
      await proxy.untilDrained(`b:${old.port}`, signal);
      old.kill();
    }
    isOver = true;
    await Promise.all(load);
    pod.kill();
    assert.ok(answered >= 500);
    const { backends } = await proxy.stats();
    assert.equal(backends["b"]!.retries, 0);
  }));

Deno.test("a pod that a table names is not drained, and not waited for when nobody wants to know", () =>
  withProxy(async (proxy) => {
    await proxy.use(tableOf([[1, backendAt("b", 1)]]));
    const stop = new AbortController();
    const drained = proxy.untilDrained("b:1", stop.signal);
    stop.abort(new Error("enough"));
    await assert.rejects(drained, /enough/);
    await proxy.untilDrained("another", AbortSignal.timeout(1000));
  }));

Deno.test("nobody waits for a pod that is ending and serves only for want of another", () =>
  withProxy(async (proxy) => {
    const backend = backendAt("b", 1);
    const endpoints = backend.endpoints.map((endpoint) => ({
      ...endpoint,
      isEnding: true as const,
    }));
    await proxy.use(tableOf([[1, { ...backend, endpoints }]]));
    await proxy.untilDrained("b:1", AbortSignal.timeout(1000));
  }));

Deno.test("a port may change what it speaks from one table to the next", () =>
  withServer(() => new Response("ok"), (port) =>
    withProxy(async (proxy) => {
      const backends = [backendAt("b", port)];
      const [web] = tableOf([[1, backends[0]!]]).listeners;
      const own = await portOf(proxy, { listeners: [web!], backends, problems: [] });
      const address = "127.0.0.1";
      const tcp = { protocol: "TCP", name: "tcp", address, port: own, backend: 0 } as const;
      for (const listener of [tcp, { ...web!, port: own }, tcp]) {
        const { failed } = await proxy.use({ listeners: [listener], backends, problems: [] });
        assert.deepEqual(failed, []);
        const answer = await fetch(`http://127.0.0.1:${own}/`, {
          headers: { connection: "close" },
        });
        assert.equal(await answer.text(), "ok");
      }
    })));

Deno.test("nobody ready, and a request that is none: answers that say why", () =>
  withProxy(async (proxy) => {
    const port = await portOf(proxy, tableOf([[1, backendAt("b")]]));
    assert.match(
      await exchange(port, GET.replace("Host: a", "Host: a\r\nConnection: close")),
      /^HTTP\/1.1 503 Service Unavailable\r\n[^]*nobody can answer it at the moment\n$/,
    );
    assert.match(await exchange(port, "GET / HTTP/1.1\nHost: a\n\n"), /^HTTP\/1.1 400 /);
  }));

Deno.test("a port in use is reported, and opened by the next table when it is free", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  await withProxy(async (proxy) => {
    const table = tableOf([[1, backendAt("b")]]);
    const at = (address: string): RouteTable => ({
      ...table,
      listeners: [{ ...table.listeners[0]!, port, address }],
    });
    const { failed: [failed], listening } = await proxy.use(at("127.0.0.1"));
    assert.deepEqual(listening, []);
    assert.equal(failed!.message, "the port is in use");
    const elsewhere = await proxy.use(at("192.0.2.1"));
    assert.equal(elsewhere.failed[0]!.message, "the address is not of this machine");
    taken.close();
    const report = await proxy.use(at("127.0.0.1"));
    assert.deepEqual(report.listening, [{ name: "web", address: "127.0.0.1", port }]);
    await proxy.use(EMPTY_TABLE);
    Deno.listen({ hostname: "127.0.0.1", port }).close();
  });
});

Deno.test("a thread that fails is started again, with the newest table", () =>
  withServer(() => new Response("ok"), (port) =>
    withProxy(async (proxy) => {
      const table = tableOf([[1, backendAt("b", port)]]);
      await proxy.use(table);
      const web = table.listeners[0] as HttpListener;
      const [{ hostname, routes: [route] }] = web.hosts as [ListenerHost];
      const path = { type: "RegularExpression", value: "(" } as const; // throws in the thread
      const routes = [{ ...route!, match: { ...route!.match, path } }];
      const stuck = proxy.use({ ...table, listeners: [{ ...web, hosts: [{ hostname, routes }] }] });
      const url = await urlOf(proxy, table);
      assert.equal(await (await fetch(url)).text(), "ok");
      await stuck;
    })));

Deno.test("a thread that hangs holds up nobody who stops the proxy", async () => {
  const clock = new VirtualClock();
  const proxy = new Proxy({ clock, log: silentLog(clock) });
  proxy.start();
  const table = tableOf([[1, backendAt("b")]]);
  const web = table.listeners[0] as HttpListener;
  const [{ hostname, routes: [route] }] = web.hosts as [ListenerHost];
  const path = { type: "RegularExpression", value: "/(a+)+" } as const; // takes exponential time
  const routes = [{ ...route!, match: { ...route!.match, path } }];
  const hosts = [{ hostname, routes }];
  const port = await portOf(proxy, { ...table, listeners: [{ ...web, hosts }] });
  const client = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeText(client, `GET /${"a".repeat(27)}! HTTP/1.1\r\nHost: a\r\n\r\n`);
  let hangs = true;
  const answered = readText(client).catch(() => {}).then(() => hangs = false);
  const isHanging = () =>
    Promise.race([proxy.stats().then(() => false), new SystemClock().sleep(100).then(() => true)]);
  while (!await isHanging());
  const stopped = proxy.stop(1_000);
  await clock.advance(60_000);
  await stopped;
  assert.ok(hangs, "it was ended, not waited for");
  await answered;
  client.close();
});

Deno.test("TCP is passed on, each direction to its own end", () => {
  const echoAtEnd = async (connection: Deno.TcpConn) => {
    let text = "";
    for (let part = await readText(connection); part !== ""; part = await readText(connection)) {
      text += part;
    }
    await writeText(connection, `got ${text.length}`);
    await connection.closeWrite();
  };
  return withListener(echoAtEnd, (port) =>
    withProxy(async (proxy) => {
      const listening = await portOf(proxy, {
        listeners: [{ protocol: "TCP", name: "tcp", address: "127.0.0.1", port: 0, backend: 0 }],
        backends: [backendAt("b", 1, port)],
        problems: [],
      });
      for (let i = 0; i < 3; i++) {
        const client = await Deno.connect({ hostname: "127.0.0.1", port: listening });
        await writeText(client, "x".repeat(1000));
        await client.closeWrite();
        assert.equal(await readText(client), "got 1000");
        client.close();
      }
    }));
});

async function portOf(proxy: Proxy, table: RouteTable): Promise<number> {
  const { listening } = await proxy.use(table);
  return listening[0]!.port;
}

async function urlOf(proxy: Proxy, table: RouteTable): Promise<string> {
  return `http://127.0.0.1:${await portOf(proxy, table)}/`;
}

async function countsOf(
  url: string,
  { requests, connections }: { requests: number; connections: number },
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let left = requests;
  await Promise.all(Array.from({ length: connections }, async () => {
    while (left-- > 0) {
      const text = await (await fetch(url)).text();
      counts[text] = (counts[text] ?? 0) + 1;
    }
  }));
  return counts;
}

/** A server that answers slowly enough to have requests in flight, and whose death breaks all its connections. */
function killablePod(): { port: number; kill(): void } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  const serve = async (connection: Deno.TcpConn) => {
    open.add(connection);
    try {
      while (await readText(connection) !== "") {
        await new SystemClock().sleep(10);
        await writeText(connection, OK);
      }
    } catch {
      // killed
    }
    if (open.delete(connection)) connection.close();
  };
  void (async () => {
    for await (const connection of listener) void serve(connection);
  })();
  return {
    port: listener.addr.port,
    kill() {
      listener.close();
      for (const connection of open) connection.close();
      open.clear();
    },
  };
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
