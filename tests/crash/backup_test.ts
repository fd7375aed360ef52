import assert from "node:assert/strict";
import { ServerProcess } from "../server_process.ts";
import { eventually } from "../eventually.ts";
import { inTemporaryFolder } from "./folders.ts";
import { withStore } from "./store_file.ts";
import { keyOf, objectOf, RESOURCE } from "./writer_lines.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
/** Used by no other suite. */
const SUBNET = 60;
const WRITERS = 4;
const AIR_MIB = 20;

Deno.test("a backup made under writers holds what was acknowledged before it; a restore goes back to it, and clients notice", () =>
  inTemporaryFolder(async (folder) => {
    const file = `${folder}/backup`;
    await withServer(`${folder}/data`, async (server) => {
      for (let i = 0; i < 20; i++) assert.equal((await post(server, `before-${i}`)).status, 201);
      await underWriters(server, async () => {
        assert.match(
          await coracle("backup", file, server),
          /^Backed up \d+ objects at revision \d+ to /,
        );
      });
      assert.equal((await post(server, "after")).status, 201);
      assert.match(
        await refused("backup", file, server),
        /"[^"]*backup" exists already; remove it/,
      );
      assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
      assert.match(await refused("restore", file, server), /uses it \(pid \d+\); stop it first/);
    });
    const seen = await restoredFrom(file, `${folder}/data`);
    await withServer(`${folder}/data`, async (server) => {
      const names = await namesIn(server);
      for (let i = 0; i < 20; i++) assert.ok(names.has(`before-${i}`));
      assert.ok(!names.has("after"));
      await assertNoticed(server, seen);
    });
  }));

Deno.test("a store that was lost with its machine comes back from a backup, for the clients that it had", () =>
  inTemporaryFolder(async (folder) => {
    const file = `${folder}/backup`;
    const known = await withServer(`${folder}/old`, async (server) => {
      assert.equal((await post(server, "kept")).status, 201);
      await coracle("backup", file, server);
      return await identityOf(server);
    });
    const data = `${folder}/new`;
    assert.match(
      await run(["restore", file, "--data", data]),
      /^Restored \d+ objects at revision \d+\n$/,
    );
    await withServer(data, async (server) => {
      assert.deepEqual(await identityOf(server), known);
      assert.ok((await namesIn(server)).has("kept"));
    });
  }));

Deno.test("what is no backup, or a damaged one, is refused, and the store stays as it is", () =>
  inTemporaryFolder(async (folder) => {
    const data = `${folder}/data`;
    const file = `${folder}/backup`;
    await withServer(data, async (server) => {
      for (let i = 0; i < 50; i++) await post(server, `kept-${i}`);
      await coracle("backup", file, server);
    });
    const before = await Deno.readFile(`${data}/store.kv`);
    await Deno.writeTextFile(`${folder}/text`, "no backup");
    await fails(["restore", `${folder}/text`, "--data", data], /Cannot restore from ".*text": /);
    await fails(["restore", `${folder}/none`, "--data", data], /there is no file|No such file/);
    await damage(file);
    await fails(["restore", file, "--data", data], /Cannot restore from ".*backup": /);
    assert.deepEqual(await Deno.readFile(`${data}/store.kv`), before);
    assert.deepEqual((await namesOfFiles(data)).filter((name) => /restore/.test(name)), []);
    assert.match(
      await run(["store", "check", "--data", data]),
      /^The store is intact: \d+ objects/,
    );
  }));

Deno.test("store check tells what is wrong, in use or not; store compact makes the file small and loses nothing", () =>
  inTemporaryFolder(async (folder) => {
    const data = `${folder}/data`;
    await withServer(data, async (server) => {
      const text = "x".repeat(200_000);
      for (let i = 0; i < 40; i++) await post(server, `large-${i}`, { text });
      for (let i = 0; i < 39; i++) {
        await server.fetch(`${CONFIG_MAPS}/large-${i}`, { method: "DELETE" });
      }
      assert.match(
        await run(["store", "check", "--data", data]),
        /^The store is intact: \d+ objects/,
      );
      await underWriters(server, () => compacts(data));
      await post(server, "larger", { text: text.repeat(4) });
      await server.fetch(`${CONFIG_MAPS}/larger`, { method: "DELETE" });
    });
    await compacts(data);
    await withServer(data, async (server) => assert.ok((await namesIn(server)).has("large-39")));
    await damage(`${data}/store.kv`);
    await fails(
      ["store", "check", "--data", data],
      /is damaged; restore it from a backup|Cannot check/,
    );
    await fails(
      ["store", "check", "--data", `${folder}/none`],
      /Cannot check the store in ".*none"/,
    );
  }));

Deno.test("a server whose file is mostly free compacts it by itself, and serves meanwhile", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/store.kv`;
    await fillAndEmpty(path);
    const { size } = await Deno.stat(path);
    await withServer(folder, async (server) => {
      assert.equal((await post(server, "meanwhile")).status, 201);
      await eventually("it is small", async () => (await Deno.stat(path)).size < size / 4);
      assert.equal((await post(server, "after")).status, 201);
    });
    assert.match(await run(["store", "check", "--data", folder]), /^The store is intact/);
  }));

async function compacts(data: string): Promise<void> {
  const { size } = await Deno.stat(`${data}/store.kv`);
  const said = await run(["store", "compact", "--data", data]);
  assert.match(said, /^The store took .* it takes /);
  assert.ok((await Deno.stat(`${data}/store.kv`)).size < size, said);
}

async function fillAndEmpty(path: string): Promise<void> {
  await withStore(path, async (store) => {
    for (let i = 0; i < AIR_MIB; i++) {
      const value = objectOf("air", { writer: 0, sequence: i, sizes: { air: 1024 * 1024 } });
      await store.commit([{ key: keyOf(`air-${i}`), value, expected: 0 }]);
    }
    for (const { key, revision } of store.list([RESOURCE])) {
      await store.commit([{ key, value: undefined, expected: revision }]);
    }
  });
}

/** Restores, after noting what clients of the earlier server could have seen. */
async function restoredFrom(file: string, data: string): Promise<Seen> {
  const seen = await withServer(data, async (server) => {
    const made = await (await post(server, "seen")).json();
    const kept = await (await server.fetch(`${CONFIG_MAPS}/before-0`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "before-0" },
        data: { a: "b" },
      }),
    })).json();
    return { revision: Number(made.metadata.resourceVersion), changed: kept };
  });
  const said = await run(["restore", file, "--data", data]);
  assert.match(
    said,
    /^Restored \d+ objects at revision \d+\nThe previous store is kept in .*store\.kv\.before-restore-\d+T\d+Z\n$/,
  );
  assert.ok(
    (await namesOfFiles(data)).some((name) => /^store\.kv\.before-restore-\d+T\d+Z$/.test(name)),
  );
  return seen;
}

interface Seen {
  revision: number;
  changed: { metadata: { resourceVersion: string } };
}

/** No revision is used twice; watchers must list again, and updates of objects that are gone meet a conflict. */
async function assertNoticed(server: ServerProcess, { revision, changed }: Seen): Promise<void> {
  const list = await (await server.fetch(CONFIG_MAPS)).json();
  assert.ok(Number(list.metadata.resourceVersion) > revision + 900_000_000);
  const watch = await server.fetch(
    `${CONFIG_MAPS}?watch=true&timeoutSeconds=1&resourceVersion=${revision}`,
  );
  const text = await watch.text();
  assert.equal(JSON.parse(text.split("\n")[0]!).object?.code ?? watch.status, 410, text);
  const put = await server.fetch(`${CONFIG_MAPS}/before-0`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(changed),
  });
  assert.equal(put.status, 409);
  await put.body?.cancel();
}

async function withServer<T>(
  dataFolder: string,
  body: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  await Deno.mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const args = ["--stop-pods", "--temporary"];
  const server = await ServerProcess.start({
    runtime: "process",
    dataFolder,
    subnet: SUBNET,
    args,
  });
  try {
    return await body(server);
  } finally {
    await server.stop();
  }
}

async function underWriters(server: ServerProcess, body: () => Promise<void>): Promise<void> {
  let isOver = false;
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    for (let i = 0; !isOver; i++) assert.equal((await post(server, `w${writer}-${i}`)).status, 201);
  });
  await body().finally(() => isOver = true);
  await Promise.all(writers);
}

function post(server: ServerProcess, name: string, data = {}): Promise<Response> {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data };
  return server.create(CONFIG_MAPS, object);
}

async function namesIn(server: ServerProcess): Promise<Set<string>> {
  const { items } = await (await server.fetch(CONFIG_MAPS)).json() as {
    items: { metadata: { name: string } }[];
  };
  return new Set(items.map(({ metadata: { name } }) => name));
}

/** The files by which its clients recognize it. */
async function identityOf({ dataFolder }: ServerProcess): Promise<string[]> {
  const files = ["ca.crt", "admin.token"].map((name) => `${dataFolder}/${name}`);
  return await Promise.all(files.map((path) => Deno.readTextFile(path)));
}

async function namesOfFiles(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}

/** Overwrites the middle of the file. */
async function damage(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const { size } = await file.stat();
  await file.seek(Math.floor(size / 2 / 4096) * 4096, Deno.SeekMode.Start);
  await file.write(new Uint8Array(Math.floor(size / 4)).fill(0xa5));
}

function coracle(command: string, file: string, { dataFolder }: ServerProcess): Promise<string> {
  return run([command, file, "--data", dataFolder]);
}

async function refused(command: string, file: string, server: ServerProcess): Promise<string> {
  return await coracle(command, file, server).then((out) => `it said: ${out}`, String);
}

async function fails(args: readonly string[], words: RegExp): Promise<void> {
  await assert.rejects(run(args), words);
}

/** Runs `coracle`; throws its standard error when it fails. */
async function run(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", ...args],
    env: { NO_COLOR: "1" },
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
