import assert from "node:assert/strict";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { DenoEngine } from "../engine/deno/deno_engine.ts";
import {
  backendAt,
  exchange,
  readText,
  tableOf,
  withListener,
  writeText,
} from "./proxy_fixture.ts";
import { DRAIN_MS_MAX, ProxyThread } from "./proxy_thread.ts";
import { EMPTY_TABLE, type Listener, type RouteTable } from "../table/route_table.ts";
import { type Backend } from "../../core/traffic/backends.ts";

const TCP: Listener = {
  protocol: "TCP",
  name: "tcp",
  address: "127.0.0.1",
  port: 0,
  backend: 0,
};
const GET = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

Deno.test("connections of a TCP listener that has left go on until their endpoint leaves too", () =>
  withListener(echo, (port) =>
    withThread(new VirtualClock(), async (thread, clock) => {
      const backend = backendAt("b", port);
      const { client } = await echoed(thread, backend);
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

Deno.test("a Gateway on all addresses and a Service with the same port, in whatever order they come", async () => {
  const port = freePort();
  await withListener(echo, (pod) =>
    withThread(new VirtualClock(), async (thread) => {
      const backends = [backendAt("none"), backendAt("b", pod)];
      const [http] = tableOf([[1, backends[0]!]]).listeners;
      const gateway = { ...http!, address: "0.0.0.0", port };
      const service = { ...TCP, address: "127.0.0.9", port, backend: 1 };
      for (const listeners of [[service], [gateway, service], [service, gateway], [service], []]) {
        const { report } = await thread.use({ listeners, backends, problems: [] }, {});
        assert.deepEqual(report.failed, []);
        assert.equal(report.listening.length, listeners.length);
        if (listeners.includes(service)) {
          const client = await Deno.connect({ hostname: "127.0.0.9", port });
          assert.equal(await echoOf(client, "to the pod"), "to the pod");
          client.close();
        }
        if (listeners.includes(gateway)) assert.match(await exchange(port, GET), /^HTTP\/1.1 503 /);
      }
    }));
});

Deno.test("a listener that knows its peers closes the connections of others, and learns of new ones", () =>
  withListener(echo, (pod) =>
    withThread(new VirtualClock(), async (thread) => {
      const tableFor = (...peers: string[]): RouteTable => ({
        listeners: [{ ...TCP, peers }],
        backends: [backendAt("b", pod)],
        problems: [],
      });
      const connect = async (table: RouteTable) => {
        const { report } = await thread.use(table, {});
        return await Deno.connect({ hostname: "127.0.0.1", port: report.listening[0]!.port });
      };
      const stranger = await connect(tableFor("10.42.0.0/24"));
      assert.equal(await readText(stranger), "");
      stranger.close();
      const peer = await connect(tableFor("10.42.0.0/24", "127.0.0.0/8"));
      assert.equal(await echoOf(peer, "hello"), "hello");
      peer.close();
    })));

Deno.test("a port whose backend has no endpoints refuses connections, and keeps those that it has", () =>
  withListener(echo, (pod) =>
    withThread(new VirtualClock(), async (thread, clock) => {
      const port = freePort();
      const of = (backend: Backend): RouteTable => ({
        ...tcpTable(backend),
        listeners: [{ ...TCP, port }],
      });
      const connect = () => Deno.connect({ hostname: "127.0.0.1", port });
      await thread.use(of(backendAt("b", pod)), {});
      const client = await connect();
      assert.equal(await echoOf(client, "one"), "one");
      const { report } = await thread.use(of(backendAt("b")), {});
      assert.deepEqual(report, { listening: [], failed: [] });
      await assert.rejects(connect, Deno.errors.ConnectionRefused);
      await thread.use(of(backendAt("b", pod)), {});
      await clock.advance(DRAIN_MS_MAX);
      assert.equal(await echoOf(client, "two"), "two");
      client.close();
      (await connect()).close();
    })));

Deno.test("an endpoint that leaves again has the whole time again for what is under way", () =>
  withListener(echo, (pod) =>
    withThread(new VirtualClock(), async (thread, clock) => {
      const backend = backendAt("b", pod);
      const { client } = await echoed(thread, backend);
      await thread.use(EMPTY_TABLE, {});
      await clock.advance(DRAIN_MS_MAX / 2);
      await thread.use(tcpTable(backend), {});
      await thread.use(EMPTY_TABLE, {});
      await clock.advance(DRAIN_MS_MAX - 1);
      assert.equal(await echoOf(client, "two"), "two");
      await clock.advance(1);
      assert.equal(await readText(client), "");
      client.close();
    })));

Deno.test("a client that is gone without a word is asked for by the kernel", () =>
  withListener(echo, (pod) =>
    withThread(new VirtualClock(), async (thread) => {
      const { client, port } = await echoed(thread, backendAt("b", pod));
      let timers = [UNACKNOWLEDGED];
      while (timers[0] === UNACKNOWLEDGED) timers = await timersOf(port);
      assert.deepEqual(timers, [KEEPALIVE]);
      client.close();
    })));

Deno.test("what is open when a thread stops is cut off", () =>
  withListener(echo, (port) =>
    withThread(new VirtualClock(), async (thread, clock) => {
      const backend = backendAt("b", port);
      const { client } = await echoed(thread, backend);
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

/** Of the connections that came to a port, which timer each has; see proc(5), /proc/net/tcp. */
async function timersOf(port: number): Promise<string[]> {
  const lines = (await Deno.readTextFile("/proc/net/tcp")).split("\n").slice(1, -1);
  const fields = lines.map((line) => line.trim().split(/ +/));
  const [own, established] = [port.toString(16).toUpperCase().padStart(4, "0"), "01"];
  return fields.filter(([, local, , state]) => state === established && local!.endsWith(`:${own}`))
    .map((field) => field[5]!.slice(0, 2));
}
const [UNACKNOWLEDGED, KEEPALIVE] = ["01", "02"];

function freePort(): number {
  using listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  return listener.addr.port;
}

function tcpTable(backend: Backend): RouteTable {
  return { listeners: [TCP], backends: [backend], problems: [] };
}

async function withThread(
  clock: VirtualClock,
  test: (thread: ProxyThread, clock: VirtualClock) => Promise<void>,
): Promise<void> {
  const thread = new ProxyThread({
    engine: new DenoEngine(clock),
    positions: new Int32Array(1),
    sharesPorts: false,
    onDrained: () => {},
    onSetIdle: () => {},
    onListeners: () => {},
  });
  try {
    await test(thread, clock);
  } finally {
    let isOver = false;
    void thread.stop(0).then(() => isOver = true);
    while (!isOver) await clock.advance(1);
  }
}

/** A client that a thread passes on to a backend which echoes, and the port that it has dialled. */
async function echoed(
  thread: ProxyThread,
  backend: Backend,
): Promise<{ client: Deno.TcpConn; port: number }> {
  const { report: { listening: [open] } } = await thread.use(tcpTable(backend), {});
  const { port } = open!;
  const client = await Deno.connect({ hostname: "127.0.0.1", port });
  assert.equal(await echoOf(client, "one"), "one");
  return { client, port };
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
