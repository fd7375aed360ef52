import assert from "node:assert/strict";
import { TlsClient } from "../../lib/linux/tls_client_fixture.ts";
import { freshApi } from "../api_fixture.ts";
import { serveOnLoopback, testCredentials } from "../remote_fixture.ts";
import { SILENT_BYTES_MAX } from "./limits.ts";
import { threadObstacle } from "./thread_front.ts";

const REQUEST = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
/** Of a change of keys: a record of 5 bytes, sealed. */
const KEYS_BYTES = 27;
const WAIT_MS = 10_000;

async function withServer(act: (port: number) => Promise<void>): Promise<void> {
  const { authority, server } = await testCredentials;
  const served = await serveOnLoopback(await freshApi(), { authority, server });
  try {
    await act(served.address.port);
  } finally {
    await served.stop(AbortSignal.abort());
  }
}

/** Whether the server closes, after what it may still have said: the body of an answer may come behind its head. */
async function isClosed(client: TlsClient): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), WAIT_MS);
  });
  const end = (async () => {
    while (await client.read() !== undefined);
    return true;
  })();
  const isEnd = await Promise.race([end, late]);
  clearTimeout(timer);
  return isEnd;
}

const ignore = threadObstacle() !== undefined; // install OpenSSL 3 (libssl3)

Deno.test({
  name: "a stranger who changes the keys of TLS without end does not keep the server busy: he goes",
  ignore,
  fn: () =>
    withServer(async (port) => {
      await using client = await TlsClient.connect(port, "1.3");
      client.write(REQUEST);
      await client.send();
      assert.match((await client.read())!, /^HTTP\/1\.1 200 OK/);
      for (let count = 0; count < 2 * SILENT_BYTES_MAX / KEYS_BYTES; count++) client.changeKeys();
      await client.send().catch(() => {}); // closed meanwhile
      assert.ok(await isClosed(client));
    }),
});

Deno.test({
  name: "bytes one by one, each in a record of its own, are read, and keys may change now and then",
  ignore,
  fn: () =>
    withServer(async (port) => {
      for (const version of ["1.2", "1.3"] as const) {
        await using client = await TlsClient.connect(port, version);
        client.write("GET /healthz HTTP/1.1\r\nhost: x\r\nx: ");
        for (let count = 0; count < 2 * SILENT_BYTES_MAX / KEYS_BYTES; count++) client.write("a");
        if (version === "1.3") { for (let count = 0; count < 100; count++) client.changeKeys(); }
        client.write("\r\n\r\n");
        await client.send();
        assert.match((await client.read())!, /^HTTP\/1\.1 200 OK/, version);
      }
    }),
});
