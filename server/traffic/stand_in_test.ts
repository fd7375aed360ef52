import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import type { Listener, RouteTable, TcpListener } from "../../proxy/table/route_table.ts";
import {
  backendAt,
  exchange,
  readText,
  withListener,
  writeText,
} from "../../proxy/threads/proxy_fixture.ts";
import { StandIn } from "./stand_in.ts";

const API = { protocol: "TCP", name: "api", address: "127.0.0.1", port: 0, backend: 0 } as const;

function tableTo(ports: readonly number[], listeners: readonly Listener[] = [API]): RouteTable {
  return { listeners, backends: [backendAt("api", ...ports)], problems: [] };
}

/** Answers each connection's first words with `name` before them, and ends it. */
async function withNamed(name: string, test: (port: number) => Promise<void>): Promise<void> {
  await withListener(async (connection) => {
    await writeText(connection, `${name}:${await readText(connection)}`);
    connection.close();
  }, test);
}

async function withStandIn(
  test: (standIn: StandIn, unfit: () => number) => Promise<void>,
): Promise<void> {
  let unfit = 0;
  const standIn = new StandIn({ clock: new SystemClock(), onUnfit: () => unfit++ });
  try {
    await test(standIn, () => unfit);
  } finally {
    await standIn.stop();
  }
}

async function portOf(standIn: StandIn, table: RouteTable): Promise<number> {
  const { listening, failed } = await standIn.use(table);
  assert.deepEqual(failed, []);
  return listening[0]!.port;
}

Deno.test("a stand-in passes connections on to the endpoint of its newest table", () =>
  withNamed("one", (one) =>
    withNamed("two", (two) =>
      withStandIn(async (standIn, unfit) => {
        const port = await portOf(standIn, tableTo([one]));
        assert.equal(await exchange(port, "hello"), "one:hello");
        assert.equal(await portOf(standIn, tableTo([two])), port);
        assert.equal(await exchange(port, "hello"), "two:hello");
        await portOf(standIn, tableTo([]));
        assert.equal(await exchange(port, "hello").catch(() => ""), "");
        assert.equal(unfit(), 0);
      }))));

Deno.test("a stand-in that closes takes no connections, and lets go on what there is", () =>
  withListener(async (connection) => {
    for (let text; (text = await readText(connection)) !== "";) await writeText(connection, text);
  }, (echo) =>
    withStandIn(async (standIn) => {
      const port = await portOf(standIn, tableTo([echo]));
      using client = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeText(client, "before");
      assert.equal(await readText(client), "before");
      await standIn.close();
      await standIn.close();
      await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port }), /refused/);
      await writeText(client, "after");
      assert.equal(await readText(client), "after");
      await standIn.stop();
      assert.equal(await readText(client).catch(() => ""), "");
    })));

Deno.test("a stand-in closes what a newer table does not name", () =>
  withNamed("one", (one) =>
    withStandIn(async (standIn) => {
      const port = await portOf(standIn, tableTo([one]));
      await standIn.use(tableTo([one], []));
      await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port }), /refused|reset/);
    })));

const UNFIT: Record<string, RouteTable> = {
  "datagrams": tableTo([1], [{ ...API, protocol: "UDP" }]),
  "HTTP": tableTo([1], [{ ...API, protocol: "HTTP", hosts: [] } as Listener]),
  "several endpoints": tableTo([1, 2]),
  "peers of its own": tableTo([1], [{ ...API, peers: ["10.0.0.0/8"] }]),
  "a split": tableTo([1], [{ ...API, split: { key: "k", shares: [] } }]),
  "another lead for strangers": tableTo([1], [
    { ...API, outside: { backend: 0, inside: [] } } as TcpListener,
  ]),
};
for (const [name, table] of Object.entries(UNFIT)) {
  Deno.test(`a stand-in is not fit for ${name}, and opens nothing for it`, () =>
    withStandIn(async (standIn, unfit) => {
      const { listening } = await standIn.use(table);
      assert.deepEqual(listening, []);
      assert.equal(unfit(), 1);
    }));
}

Deno.test("a stand-in is not fit where its port is taken, and says so", () =>
  withListener(async () => {}, (port) =>
    withStandIn(async (standIn, unfit) => {
      const { failed } = await standIn.use(tableTo([1], [{ ...API, port }]));
      assert.deepEqual(failed.map((each) => each.port), [port]);
      assert.equal(unfit(), 1);
    })));
