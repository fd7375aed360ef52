import assert from "node:assert/strict";
import type { Clock } from "../core/lib/clock.ts";
import { VirtualClock } from "../core/lib/virtual_clock.ts";
import { backendAt, readText, withListener, writeText } from "./proxy_fixture.ts";
import { DRAIN_MS_MAX, ProxyThread } from "./proxy_thread.ts";
import { type Backend, EMPTY_TABLE, type RouteTable } from "./route_table.ts";

Deno.test("connections of a TCP listener that has left go on until their endpoint leaves too", () =>
  withListener(echo, (port) =>
    withThread(new VirtualClock(), async (thread, clock) => {
      const backend = backendAt("b", port);
      const { report: { listening: [open] } } = await thread.use(tcpTable(backend), {});
      const client = await Deno.connect({ hostname: "127.0.0.1", port: open!.port });
      assert.equal(await echoOf(client, "one"), "one");
      await thread.use({ ...EMPTY_TABLE, backends: [backend] }, {}); // the port goes, the endpoint stays
      await clock.advance(DRAIN_MS_MAX);
      assert.equal(await echoOf(client, "two"), "two");
      await thread.use(EMPTY_TABLE, {});
      await clock.advance(DRAIN_MS_MAX - 1);
      assert.equal(await echoOf(client, "three"), "three");
      await clock.advance(1);
      assert.equal(await readText(client), "");
      client.close();
      assert.equal(thread.stats().connections, 0);
    })));

Deno.test("what is open when a thread stops is cut off", () =>
  withListener(echo, (port) =>
    withThread(new VirtualClock(), async (thread, clock) => {
      const backend = backendAt("b", port);
      const { report: { listening: [open] } } = await thread.use(tcpTable(backend), {});
      const client = await Deno.connect({ hostname: "127.0.0.1", port: open!.port });
      assert.equal(await echoOf(client, "one"), "one");
      await thread.use({ ...EMPTY_TABLE, backends: [backend] }, {});
      const stopped = thread.stop(1_000);
      await clock.advance(1_000);
      await stopped;
      assert.equal(await readText(client), "");
      client.close();
    })));

Deno.test("a connection whose endpoints fail while its listener leaves gets to no other backend", async () => {
  const seen: string[] = [];
  const other = async (connection: Deno.TcpConn) => {
    seen.push(await readText(connection));
    connection.close();
  };
  await withListener(other, async (port) => {
    const clock = new VirtualClock();
    await withThread(clock, async (thread) => {
      const { report: { listening: [open] } } = await thread.use(
        tcpTable(backendAt("gone", 1, 2)), // nobody listens there
        {},
      );
      const failing = Promise.withResolvers<void>();
      const elapsed = clock.elapsed.bind(clock);
      let asked = 0;
      clock.elapsed = () => {
        if (++asked === 2) failing.resolve(); // the first endpoint has refused
        return elapsed();
      };
      const swapped = failing.promise.then(() =>
        thread.use({ ...EMPTY_TABLE, backends: [backendAt("other", port)] }, {})
      );
      const client = await Deno.connect({ hostname: "127.0.0.1", port: open!.port });
      await writeText(client, "secret").catch(() => {}); // closed already
      await swapped;
      await readText(client).catch(() => {}); // its end, or a reset
      client.close();
    });
  });
  assert.deepEqual(seen, []);
});

function tcpTable(backend: Backend): RouteTable {
  const listener = {
    ...{ protocol: "TCP", name: "tcp", address: "127.0.0.1", port: 0, backend: 0 } as const,
  };
  return { listeners: [listener], backends: [backend], problems: [] };
}

async function withThread<C extends Clock>(
  clock: C,
  test: (thread: ProxyThread, clock: C) => Promise<void>,
): Promise<void> {
  const thread = new ProxyThread({
    ...{ clock, positions: new Int32Array(1), sharesPorts: false },
    onDrained: () => {},
    onListeners: () => {},
  });
  try {
    await test(thread, clock);
  } finally {
    await thread.stop(0);
  }
}

async function echoOf(client: Deno.TcpConn, text: string): Promise<string> {
  await writeText(client, text);
  return await readText(client);
}

async function echo(connection: Deno.TcpConn): Promise<void> {
  for (let text = await readText(connection); text !== ""; text = await readText(connection)) {
    await writeText(connection, text);
  }
}
