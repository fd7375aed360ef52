import assert from "node:assert/strict";
import type { Backend } from "../../core/traffic/backends.ts";
import { servedSetKey } from "../../core/traffic/rollout_sets.ts";
import type { RouteTable } from "../table/route_table.ts";
import type { Proxy } from "./proxy.ts";
import {
  backendAt,
  exchange,
  tableOf,
  withListener,
  withProxy,
  withServer,
} from "./proxy_fixture.ts";

/** Nobody listens there. */
const DEAD_PORT = 1;

Deno.test("while a set has nobody who answers, the other set of its rollout does, and no other backend", () =>
  withServer(() => new Response("stable"), (stable) =>
    withProxy(async (proxy) => {
      for (const ports of [[], [DEAD_PORT]]) {
        const shares = tableOf([
          [1, ofRollout("stable", "aaa", stable)],
          [1, ofRollout("canary", "bbb", ...ports)],
        ]);
        const url = await urlOf(proxy, shares);
        for (const method of ["GET", "POST", "GET", "POST"]) {
          assert.equal(await (await fetch(url, { method })).text(), "stable", `${method} ${ports}`);
        }
      }
      const failed = (await proxy.countsOfSets()).find(({ set }) => set.hash === "bbb")!;
      assert.deepEqual(
        [failed.counts.requests, failed.counts.failures],
        [4, 4],
        "it is no healthy one",
      );
      for (const other of [ofRollout("stable", "aaa", stable), backendAt("stable", stable)]) {
        const stranger = tableOf([[1, other], [1, backendAt("other", DEAD_PORT)]]);
        const url = await urlOf(proxy, stranger);
        const answers = [await fetch(url), await fetch(url)];
        assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 502]);
        for (const answer of answers) await answer.body?.cancel();
      }
    })));

Deno.test("a set of weight 0 stands in for nobody", () =>
  withServer(() => new Response("canary"), (canary) =>
    withProxy(async (proxy) => {
      const table = tableOf([
        [1, ofRollout("stable", "aaa")],
        [0, ofRollout("canary", "bbb", canary)],
      ]);
      const answer = await fetch(await urlOf(proxy, table));
      assert.equal(answer.status, 503);
      await answer.body?.cancel();
    })));

Deno.test("connections are split exactly, and go to the other set when one has nobody", () =>
  withListener(
    (connection) => saying("stable", connection),
    (stable) =>
      withListener(
        (connection) => saying("canary", connection),
        (canary) =>
          withProxy(async (proxy) => {
            const port = await openedPort(proxy, splitOf(stable, canary));
            const counts: Record<string, number> = {};
            const ask = async () => {
              const text = await exchange(port, "");
              counts[text] = (counts[text] ?? 0) + 1;
            };
            for (let i = 0; i < 10; i++) {
              await Promise.all(Array.from({ length: 10 }, ask));
            }
            assert.deepEqual(counts, { stable: 80, canary: 20 });
            const again = await openedPort(proxy, splitOf(stable, DEAD_PORT));
            for (let i = 0; i < 10; i++) assert.equal(await exchange(again, ""), "stable");
          }),
      ),
  ));

Deno.test("a set is busy until the requests from before have ended, and counts go on by set", () => {
  const arrived = Promise.withResolvers<void>(), released = Promise.withResolvers<void>();
  const hang = async () => {
    arrived.resolve();
    await released.promise;
    return new Response("late");
  };
  return withServer(
    hang,
    (slow) =>
      withServer(() => new Response("stable"), (stable) =>
        withProxy(async (proxy) => {
          const sets = (weight: number) =>
            tableOf([
              [1 - weight, ofRollout("stable", "aaa", stable)],
              [weight, ofRollout("canary", "bbb", slow)],
            ]);
          const url = await urlOf(proxy, sets(1));
          assert.deepEqual([...proxy.busySets()], []);
          const asked = fetch(url);
          await arrived.promise;
          const idle = Promise.withResolvers<void>();
          const stop = proxy.onBusySets(() => idle.resolve());
          await proxy.use(sets(0));
          assert.deepEqual([...proxy.busySets()], ["default/canary bbb"]);
          released.resolve();
          assert.equal(await (await asked).text(), "late");
          await idle.promise;
          stop();
          assert.deepEqual([...proxy.busySets()], []);
          const counts = await proxy.countsOfSets();
          assert.deepEqual(
            counts.map((
              { set, counts },
            ) => [servedSetKey(set), counts.requests, counts.answers[1]]),
            [["default/stable aaa", 0, 0], ["default/canary bbb", 1, 1]],
          );
          const moved = tableOf([[1, { ...ofRollout("canary", "ccc", stable), name: "canary" }]]);
          await (await fetch(await urlOf(proxy, moved))).text();
          assert.deepEqual(
            (await proxy.countsOfSets()).map((
              { set: { hash }, counts },
            ) => [hash, counts.requests]),
            [["ccc", 1]],
            "another set begins anew",
          );
        })),
  );
});

Deno.test("a mirror gets its part of the requests, over real connections", () => {
  let copies = 0;
  const all = Promise.withResolvers<void>();
  const take = async (request: Request) => {
    assert.equal(await request.text(), "body");
    if (++copies === 25) all.resolve();
    return new Response("x".repeat(100_000), { status: 500 });
  };
  return withServer(
    take,
    (mirror) =>
      withServer(
        async (request) => new Response(await request.text()),
        (main) =>
          withProxy(async (proxy) => {
            const table = tableOf([[1, backendAt("main", main)]], {
              mirrors: [{ backend: 1, numerator: 25, denominator: 100 }],
            });
            const backends = [...table.backends, backendAt("mirror", mirror)];
            const url = await urlOf(proxy, { ...table, backends });
            for (let i = 0; i < 100; i++) {
              const answer = await fetch(url, { method: "POST", body: "body" });
              assert.equal(await answer.text(), "body");
            }
            await all.promise;
            const { backends: counts } = await proxy.stats();
            assert.deepEqual([counts["mirror"]!.requests, counts["main"]!.requests], [25, 100]);
          }),
      ),
  );
});

Deno.test("sessions stay where they are; weights count for new ones, and a weight of 0 keeps none", () =>
  withServer(
    () => new Response("stable"),
    (stable) =>
      withServer(() => new Response("canary"), (canary) =>
        withProxy(async (proxy) => {
          const persistence = { kind: "Cookie", name: "s", isPermanent: false } as const;
          const weighed = (weights: readonly [number, number]) =>
            tableOf([
              [weights[0], ofRollout("stable", "aaa", stable)],
              [weights[1], ofRollout("canary", "bbb", canary)],
            ], { persistence });
          const url = await urlOf(proxy, weighed([1, 1]));
          const first = await asked(url), second = await asked(url);
          assert.deepEqual([first.text, second.text].sort(), ["canary", "stable"]);
          const sessions = { [first.text]: first.cookie!, [second.text]: second.cookie! };
          for (let i = 0; i < 5; i++) {
            for (const [name, cookie] of Object.entries(sessions)) {
              assert.deepEqual(await asked(url, cookie), { text: name, cookie: undefined });
            }
          }
          await proxy.use(weighed([99, 1]));
          assert.equal((await asked(url, sessions["canary"])).text, "canary");
          await proxy.use(weighed([1, 0]));
          const moved = await asked(url, sessions["canary"]);
          assert.equal(moved.text, "stable");
          assert.equal(moved.cookie?.slice(0, 10), sessions["stable"]!.slice(0, 10));
        })),
  ));

/** The answer, and the cookie that comes with it. */
async function asked(
  url: string,
  cookie?: string,
): Promise<{ text: string; cookie: string | undefined }> {
  const answer = await fetch(url, cookie === undefined ? {} : { headers: { cookie } });
  const [told] = answer.headers.getSetCookie();
  return { text: await answer.text(), cookie: told?.split(";")[0] };
}

/** A backend of the rollout `web`. */
function ofRollout(service: string, hash: string, ...ports: number[]): Backend {
  return {
    ...backendAt(service, ...ports),
    rollout: "default/web",
    set: { namespace: "default", service, hash, port: 80 },
  };
}

/** A Service whose connections are split 8 to 2. */
function splitOf(stable: number, canary: number): RouteTable {
  const shares = [{ weight: 8, backend: 0 }, { weight: 2, backend: 1 }];
  return {
    listeners: [{
      ...{ protocol: "TCP", name: "service default/web", address: "127.0.0.1", port: 0 },
      backend: 0,
      split: { key: "service default/web:80", shares },
    }],
    backends: [ofRollout("stable", "aaa", stable), ofRollout("canary", "bbb", canary)],
    problems: [],
  };
}

async function openedPort(proxy: Proxy, table: RouteTable): Promise<number> {
  return (await proxy.use(table)).listening[0]!.port;
}

async function urlOf(proxy: Proxy, table: RouteTable): Promise<string> {
  return `http://127.0.0.1:${await openedPort(proxy, table)}/`;
}

/** Says who it is, and ends. */
async function saying(name: string, connection: Deno.TcpConn): Promise<void> {
  await connection.write(new TextEncoder().encode(name));
  await connection.closeWrite();
}
