import assert from "node:assert/strict";
import {
  ETCD_NEEDED,
  EtcdCluster,
  type EtcdClusterOptions,
  isEtcdInstalled,
} from "../etcd_cluster.ts";
import { eventually } from "../eventually.ts";
import { KvConnectServer } from "../kv_connect_server.ts";
import { ServerProcess } from "../server_process.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
/** A machine that is busy may stall for a while: it must not lose the store by that. */
const LEASE_SECONDS = "4";

test("a standby refuses writes with the owner's address, serves reads when asked, and takes over", () =>
  withServers(1, async ({ start }) => {
    const owner = await start("a");
    const reader = await start("b", "--standby-reads");
    const silent = await start("c");
    assert.match(owner.readyLine, /^Coracle is ready at https:/);
    assert.ok(reader.readyLine.includes(`stands by at ${reader.address} for ${owner.address},`));
    assert.equal((await post(owner, "one")).status, 201);
    await eventually(
      "the standby shows it",
      async () => (await reader.fetch(`${CONFIG_MAPS}/one`)).ok,
    );
    assert.equal((await silent.fetch(`${CONFIG_MAPS}/one`)).status, 503);
    const refused = await post(reader, "two");
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "1");
    const { kind, reason, message } = await refused.json();
    assert.deepEqual({ kind, reason, message }, {
      kind: "Status",
      reason: "ServiceUnavailable",
      message: `this server stands by: the store is owned by the server at ${owner.address}`,
    });
    assert.deepEqual(await healthOf(silent), { livez: 200, readyz: 500, version: 200 });
    assert.deepEqual(await healthOf(reader), { livez: 200, readyz: 200, version: 200 });
    await owner.kill();
    const next = await eventually("one of the others accepts writes", async () => {
      for (const server of [reader, silent]) {
        if ((await post(server, "two")).status === 201) return server;
      }
    });
    const names = await namesIn(next);
    assert.ok(names.includes("one") && names.includes("two"), names.join(" "));
    await eventually("the new owner's node joins", async () => {
      const { items } = await (await next.fetch("/api/v1/nodes")).json();
      return items.length > 1;
    });
  }));

test("who has the admin's old credentials loses them on every server: a standby makes its own anew", () =>
  withServers(1, async ({ start }) => {
    const owner = await start("a");
    const standby = await start("b", "--standby-reads");
    const tokenIn = (server: ServerProcess) =>
      Deno.readTextFile(`${server.dataFolder}/admin.token`);
    const old = { headers: { authorization: `Bearer ${(await tokenIn(standby)).trim()}` } };
    assert.equal((await standby.fetch(CONFIG_MAPS, old)).status, 200);
    const rotated = await owner.fetch("/credentials/rotate", { method: "POST" });
    assert.equal(rotated.status, 200);
    await eventually(
      "the old token is refused by the standby",
      async () => (await standby.fetch(CONFIG_MAPS, old)).status === 401,
    );
    const isServed = async () => (await standby.fetch(CONFIG_MAPS)).status === 200;
    await eventually("the standby takes a new token of its own", isServed);
    assert.equal((await owner.fetch(CONFIG_MAPS)).status, 200);
    await owner.kill();
    await eventually("the standby accepts writes", async () => (await post(standby, "two")).ok);
    assert.equal((await standby.fetch(CONFIG_MAPS, old)).status, 401);
    await eventually("the list has the owner's token and its own", async () => {
      const { issued } = await (await standby.fetch("/credentials")).json();
      return issued.filter(({ type }: { type: string }) => type === "bearer").length === 2;
    });
  }));

test("an owner that is asked to end gives the store up", () =>
  withServers(1, async ({ start }) => {
    const owner = await start("a");
    const standby = await start("b");
    assert.equal((await post(owner, "kept")).status, 201);
    assert.equal(await owner.stop(), 0);
    await eventually("it accepts writes", async () => (await post(standby, "two")).ok);
    assert.ok((await namesIn(standby)).includes("kept"));
  }));

test("an owner that was paused and taken over answers nothing from before, and ends with the reason", () =>
  withServers(1, async ({ start }) => {
    const owner = await start("a");
    const standby = await start("b");
    assert.equal((await post(owner, "one")).status, 201);
    Deno.kill(owner.pid, "SIGSTOP");
    await eventually("the standby accepts writes", async () => (await post(standby, "two")).ok);
    Deno.kill(owner.pid, "SIGCONT");
    const answers = await Promise.allSettled([owner.fetch(CONFIG_MAPS), post(owner, "stale")]);
    for (const answer of answers) {
      if (answer.status === "fulfilled") assert.equal(answer.value.status, 503); // else it has ended already
    }
    assert.equal(await owner.ended, 1);
    const said = `the server at "${standby.address}" has taken over the store`;
    assert.ok(owner.log.includes(JSON.stringify(said).slice(1, -1)) || owner.log.includes(said));
    assert.ok(!(await namesIn(standby)).includes("stale"));
  }));

test("with one member of etcd gone all goes on; without a majority there are 503s; with it again writes resume", () =>
  withServers(3, async ({ start, cluster: { members } }) => {
    const owner = await start("a");
    assert.equal((await post(owner, "one")).status, 201);
    await members[0]!.kill();
    await eventually("writes go on", async () => (await post(owner, "two")).status === 201);
    await members[1]!.kill();
    const refused = await eventually("writes are refused", async () => {
      const answer = await post(owner, "three");
      return answer.status === 503 && answer;
    });
    const { reason, message } = await refused.json();
    assert.equal(reason, "ServiceUnavailable");
    assert.match(message, /^Cannot write: |^the store does not answer/);
    members[0]!.start();
    await eventually("writes resume", async () => (await post(owner, "four")).status === 201);
    const names = await namesIn(owner);
    for (const name of ["one", "two", "four"]) assert.ok(names.includes(name), name);
  }));

test("members of etcd that are cut off from each other: 503s while none has a majority, and writes resume by themselves", () =>
  withServers(3, async ({ start, cluster: { network } }) => {
    const owner = await start("a");
    assert.equal((await post(owner, "one")).status, 201);
    network!.part([[0], [1], [2]]);
    await eventually(
      "nothing is acknowledged",
      async () => (await post(owner, "two")).status === 503,
    );
    await eventually(
      "reads are refused",
      async () => (await owner.fetch(CONFIG_MAPS)).status === 503,
    );
    network!.mend();
    await eventually("writes resume", async () => (await post(owner, "three")).status === 201);
    const names = await namesIn(owner);
    for (const name of ["one", "three"]) assert.ok(names.includes(name), name);
  }, { hasNetwork: true }));

Deno.test("over KV Connect too a standby takes over when the owner is killed", async () => {
  const kv = new KvConnectServer();
  Deno.env.set("DENO_KV_ACCESS_TOKEN", kv.token);
  try {
    await withServersAt(kv.url, async (start) => {
      const owner = await start("a");
      const standby = await start("b");
      assert.equal((await post(owner, "one")).status, 201);
      assert.equal((await post(standby, "two")).status, 503);
      await owner.kill();
      await eventually("it accepts writes", async () => (await post(standby, "two")).ok);
      const names = await namesIn(standby);
      assert.ok(names.includes("one") && names.includes("two"), names.join(" "));
    });
  } finally {
    await kv.close();
  }
});

type Start = (node: string, ...args: string[]) => Promise<ServerProcess>;

interface Servers {
  cluster: EtcdCluster;
  start: Start;
}

function test(name: string, body: () => Promise<void>): void {
  Deno.test({ name: `${name}${ETCD_NEEDED}`, ignore: !isEtcdInstalled, fn: body });
}

/** Runs `body` with etcd and as many servers as it starts. */
async function withServers(
  members: number,
  body: (servers: Servers) => Promise<void>,
  options: EtcdClusterOptions = {},
): Promise<void> {
  const cluster = await EtcdCluster.start(members, options);
  const hosts = cluster.endpoints.map((url) => new URL(url).host).join(",");
  try {
    await withServersAt(`etcd://${hosts}/servers`, (start) => body({ cluster, start }));
  } finally {
    await cluster.remove();
  }
}

/** Runs `body` with as many servers as it starts at one store; all of them go afterwards, also when `body` throws. */
async function withServersAt(store: string, body: (start: Start) => Promise<void>): Promise<void> {
  const servers: ServerProcess[] = [];
  const flags = ["--store", store, "--store-lease", LEASE_SECONDS, "--stop-pods", "--temporary"];
  const start: Start = async (node, ...args) => {
    const all = [...flags, "--node", node, ...args];
    const server = await ServerProcess.start({ runtime: "process", args: all });
    servers.push(server);
    return server;
  };
  try {
    await body(start);
  } catch (error) {
    const logs = servers.map(({ log }) => log).join("\n");
    throw new Error(`${logs}\n${error instanceof Error ? error.stack : error}`);
  } finally {
    for (const server of servers) await server.destroy();
  }
}

function post(server: ServerProcess, name: string): Promise<Response> {
  return server.create(CONFIG_MAPS, { apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
}

/** As a client does it: a store that has only just come back may be out of reach once more, which is a 503. */
async function namesIn(server: ServerProcess): Promise<string[]> {
  const list = await eventually("a list", async () => {
    const answer = await server.fetch(CONFIG_MAPS);
    return answer.ok && await answer.json();
  });
  return list.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
}

async function healthOf(server: ServerProcess): Promise<Record<string, number>> {
  const paths = ["livez", "readyz", "version"];
  const answers = await Promise.all(paths.map((path) => server.fetch(`/${path}`)));
  return Object.fromEntries(paths.map((path, i) => [path, answers[i]!.status]));
}
