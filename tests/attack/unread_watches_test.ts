import assert from "node:assert/strict";
import { later } from "../eventually.ts";
import { type ServerProcess, withServer } from "../server_process.ts";
import { assertUnharmed, VitalSignsMeter } from "./vital_signs.ts";

const READERS = 20;
const OBJECTS = 30;
const OBJECT_BYTES = 900_000;
const WRITES = 12;
const SECONDS = 4;
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

Deno.test("users who request much and read nothing cost the server no memory", async (t) => {
  await withServer({ runtime: "process", subnet: 184 }, async (server) => {
    for (let index = 0; index < OBJECTS; index++) await writeLarge(server, `large-${index}`);
    const connection = await connectionTo(server);
    await t.step(`${READERS} watches, and ${WRITES} writes of ${OBJECT_BYTES} bytes`, async () => {
      const meter = await VitalSignsMeter.start(server);
      const query = "watch=1&resourceVersion=0&fieldSelector=metadata.name%3Dlarge-0";
      const readers = await Promise.all(many(() => connection(`${CONFIG_MAPS}?${query}`)));
      for (let count = 0; count < WRITES; count++) await writeLarge(server, "large-0", count);
      for (const reader of readers) reader.close();
      assertUnharmed(
        await meter.stop(),
        `${WRITES} writes to ${READERS} watchers that do not read`,
      );
    });
    await t.step(`${READERS} lists of ${OBJECTS} objects of ${OBJECT_BYTES} bytes`, async () => {
      const meter = await VitalSignsMeter.start(server);
      const readers = await Promise.all(many(() => connection(CONFIG_MAPS)));
      await later(SECONDS * 1_000);
      for (const reader of readers) reader.close();
      assertUnharmed(await meter.stop(), `${READERS} lists that nobody reads`);
    });
  });
});

function many<T>(make: () => T): readonly T[] {
  return Array.from({ length: READERS }, make);
}

/** Opens a connection, asks for the path as the admin, and reads nothing. */
async function connectionTo(
  server: ServerProcess,
): Promise<(path: string) => Promise<Deno.TlsConn>> {
  const caPem = await Deno.readTextFile(`${server.dataFolder}/ca.crt`);
  const token = (await Deno.readTextFile(`${server.dataFolder}/admin.token`)).trim();
  const { hostname, port } = new URL(server.address);
  return async (path) => {
    const connection = await Deno.connectTls({ hostname, port: Number(port), caCerts: [caPem] });
    const head = `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`;
    await connection.write(new TextEncoder().encode(head));
    return connection;
  };
}

async function writeLarge(server: ServerProcess, name: string, count = 0): Promise<void> {
  const body = JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name },
    data: { text: count + "x".repeat(OBJECT_BYTES) },
  });
  const isNew = (await server.fetch(`${CONFIG_MAPS}/${name}`)).status === 404;
  const answer = await server.fetch(isNew ? CONFIG_MAPS : `${CONFIG_MAPS}/${name}`, {
    method: isNew ? "POST" : "PUT",
    headers: { "content-type": "application/json" },
    body,
  });
  assert.ok(answer.ok, await answer.text());
}
