import assert from "node:assert/strict";
import { ServerProcess } from "../server_process.ts";
import { inTemporaryFolder } from "./folders.ts";

/** Used by no other suite. */
const SUBNET = 61;
const SECRETS = "/api/v1/namespaces/default/secrets";
const SECRETS_COUNT = 40;
/** After how many milliseconds of a rotation the server is killed: anywhere from its first step to its end. */
const KILLED_AFTER_MS = [1, 25, 80];

Deno.test("a server that is killed during a rotation of its key loses no secret, and rotates again", () =>
  inTemporaryFolder(async (folder) => {
    const data = `${folder}/data`;
    const values = new Map<string, string>();
    for (const ms of KILLED_AFTER_MS) {
      const server = await start(data);
      try {
        await assertKept(server, values);
        await write(server, values, `after ${ms}`);
        const rotating = server.fetch("/secrets/rotate", { method: "POST" }).catch(() => {});
        await new Promise((resolve) => AbortSignal.timeout(ms).addEventListener("abort", resolve));
        await server.kill();
        await rotating;
      } finally {
        await server.kill();
      }
    }
    const server = await start(data);
    try {
      await assertKept(server, values);
      const answer = await server.fetch("/secrets/rotate", { method: "POST" });
      assert.equal(answer.status, 200);
      const { key } = await answer.json();
      const { keys } = JSON.parse(await Deno.readTextFile(`${data}/secrets.keys`));
      assert.deepEqual(keys.map(({ id }: { id: string }) => id), [key]);
      assert.equal((await Deno.stat(`${data}/secrets.keys`)).mode! & 0o777, 0o600);
      await assertKept(server, values);
    } finally {
      await server.stop();
    }
  }));

function start(dataFolder: string): Promise<ServerProcess> {
  return ServerProcess.start({ runtime: "process", dataFolder, subnet: SUBNET });
}

/** Secrets of which each is remembered once it is acknowledged. */
async function write(
  server: ServerProcess,
  values: Map<string, string>,
  value: string,
): Promise<void> {
  await Promise.all(Array.from({ length: SECRETS_COUNT }, async (_, i) => {
    const name = `s${i}`;
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name },
      data: { value: new TextEncoder().encode(value).toBase64() },
    };
    const answer = values.has(name)
      ? await server.fetch(`${SECRETS}/${name}`, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(secret),
      })
      : await server.create(SECRETS, secret);
    assert.ok(answer.ok, await answer.text());
    values.set(name, secret.data.value);
  }));
}

async function assertKept(
  server: ServerProcess,
  values: ReadonlyMap<string, string>,
): Promise<void> {
  const { items } = await (await server.fetch(SECRETS)).json();
  const kept = new Map<string, string>(
    items.map(({ metadata, data }: { metadata: { name: string }; data?: { value?: string } }) => [
      metadata.name,
      data?.value,
    ]),
  );
  for (const [name, value] of values) assert.equal(kept.get(name), value, name);
}
