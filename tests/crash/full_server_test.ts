import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { ServerProcess } from "../server_process.ts";
import { canMount, MOUNT_NEEDED, SmallDisk } from "./small_disk.ts";

const DISK_BYTES = 24 * 1024 * 1024;
/** Used by no other suite. */
const SUBNET = 59;
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const BALLAST = "store.ballast";
const REFUSED =
  /^Cannot write: the disk of ".*" is full; make room on it: until then objects can only be read and deleted$/;

test("a server on a full disk is read-only, says so by its node, takes deletions and leases, and recovers", () =>
  withServer(async (server, disk) => {
    assert.equal((await post(server, "kept")).status, 201);
    assert.equal((await post(server, "gone")).status, 201);
    await eventually("the ballast is held", () => disk.has(BALLAST));
    await disk.fill();
    for (let i = 0; i < 3; i++) await assertRefused(server);
    assert.ok(!await disk.has(BALLAST));
    await eventually(
      "the node tells it",
      async () =>
        /True KubeletHasDiskPressure.*disk-pressure:NoSchedule/.test(await nodeOf(server)),
    );
    assert.equal((await server.fetch(`${CONFIG_MAPS}/kept`)).status, 200);
    assert.equal((await server.fetch(`${CONFIG_MAPS}/gone`, { method: "DELETE" })).status, 200);
    assert.equal((await server.fetch(`${CONFIG_MAPS}/gone`)).status, 404);
    assert.equal((await post(server, "lease", LEASES)).status, 201);
    await disk.makeRoom();
    assert.equal((await post(server, "refused")).status, 201);
    assert.ok(await disk.has(BALLAST));
    await eventually(
      "the node tells that too",
      async () => /^False KubeletHasNoDiskPressure "\[\]"$/.test(await nodeOf(server)),
    );
    await eventually("and an event", async () =>
      /NodeHasNoDiskPressure/.test(
        await (await server.fetch("/api/v1/namespaces/default/events")).text(),
      ));
  }));

test("a server finds out by itself that there is room again", () =>
  withServer(async (server, disk) => {
    await eventually("the ballast is held", () => disk.has(BALLAST));
    await disk.fill();
    await assertRefused(server);
    await disk.makeRoom();
    await eventually("it is told", () => server.log.includes("has room again"));
  }));

test("a server starts on a full disk, read-only, and what was deleted there stays deleted", () =>
  SmallDisk.with(DISK_BYTES, async (disk) => {
    const first = await start(disk);
    await Promise.all(["kept", "gone"].map((name) => post(first, name)));
    await eventually("the ballast is held", () => disk.has(BALLAST));
    assert.equal(await first.stop(), 0);
    await disk.fill();
    let second = await start(disk);
    try {
      await eventually("it is told", () => second.log.includes("The disk is full"));
      await assertRefused(second);
      assert.equal((await second.fetch(`${CONFIG_MAPS}/kept`)).status, 200);
      assert.equal((await second.fetch(`${CONFIG_MAPS}/gone`, { method: "DELETE" })).status, 200);
      await second.kill();
      await disk.makeRoom();
      second = await start(disk);
      assert.equal((await second.fetch(`${CONFIG_MAPS}/kept`)).status, 200);
      assert.equal((await second.fetch(`${CONFIG_MAPS}/gone`)).status, 404);
      assert.equal((await post(second, "refused")).status, 201);
    } finally {
      await second.stop();
    }
  }));

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `${name}${MOUNT_NEEDED}`, ignore: !canMount, fn });
}

async function withServer(
  body: (server: ServerProcess, disk: SmallDisk) => Promise<void>,
): Promise<void> {
  await SmallDisk.with(DISK_BYTES, async (disk) => {
    const server = await start(disk);
    try {
      await body(server, disk);
    } catch (error) {
      throw new Error(server.log, { cause: error });
    } finally {
      await server.stop();
    }
  });
}

function start(disk: SmallDisk): Promise<ServerProcess> {
  return ServerProcess.start({
    runtime: "process",
    dataFolder: disk.folder,
    subnet: SUBNET,
    args: ["--stop-pods", "--temporary"],
  });
}

async function assertRefused(server: ServerProcess): Promise<void> {
  const answer = await post(server, "refused");
  assert.equal(answer.status, 503);
  const { reason, message } = await answer.json();
  assert.equal(reason, "ServiceUnavailable");
  assert.match(message, REFUSED);
}

/** `True KubeletHasDiskPressure "[taints]"`. */
async function nodeOf(server: ServerProcess): Promise<string> {
  const { items: [node] } = await (await server.fetch("/api/v1/nodes")).json() as {
    items: {
      spec: { taints?: { key: string; effect: string }[] };
      status: { conditions: { type: string; status: string; reason: string }[] };
    }[];
  };
  const { status, reason } = node!.status.conditions.find(({ type }) => type === "DiskPressure")!;
  const taints = (node!.spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
  return `${status} ${reason} "[${taints}]"`;
}

function post(server: ServerProcess, name: string, path = CONFIG_MAPS): Promise<Response> {
  const kind = path === LEASES
    ? { apiVersion: "coordination.k8s.io/v1", kind: "Lease" }
    : { apiVersion: "v1", kind: "ConfigMap" };
  return server.create(path, { ...kind, metadata: { name } });
}
