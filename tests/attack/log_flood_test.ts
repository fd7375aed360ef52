import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { type ServerProcess, withServer } from "../server_process.ts";
import { assertUnharmed, VitalSignsMeter } from "./vital_signs.ts";

const FLOOD_BYTES = 600_000_000;
/** Two log files of the maximum size, and some room. */
const DISK_BYTES_MAX = 64_000_000;
const LOG_MS_MAX = 10_000;
const PODS = "/api/v1/namespaces/default/pods";

Deno.test("a pod that floods its log without a newline does not fill the disk or slow down readers", async () => {
  await withServer({ runtime: "process", subnet: 185 }, async (server) => {
    const meter = await VitalSignsMeter.start(server);
    const answer = await server.create(PODS, pod());
    assert.equal(answer.status, 201, await answer.text());
    await eventually("the flood has ended", () => hasEnded(server));
    const bytes = await bytesUnder(server.dataFolder);
    const readers = Array.from({ length: 5 }, () => readTail(server));
    const worstMs = Math.max(...await Promise.all(readers));
    assertUnharmed(await meter.stop(), `${bytes} bytes on the disk, --tail in ${worstMs} ms`);
    assert.ok(bytes <= DISK_BYTES_MAX, `${bytes} bytes are left on the disk`);
    assert.ok(worstMs <= LOG_MS_MAX, `the end of the log took ${worstMs} ms`);
  });
});

function pod(): object {
  const command = `head -c ${FLOOD_BYTES} /dev/zero | tr '\\0' x; exit 1`;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "flood" },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      containers: [{
        name: "flood",
        image: "localhost/none:1",
        terminationMessagePolicy: "FallbackToLogsOnError",
        command: ["/bin/sh", "-c", command],
      }],
    },
  };
}

async function hasEnded(server: ServerProcess): Promise<boolean> {
  const { status } = await (await server.fetch(`${PODS}/flood`)).json();
  return status.phase === "Failed";
}

async function readTail(server: ServerProcess): Promise<number> {
  const startMs = performance.now();
  await server.fetch(`${PODS}/flood/log?tailLines=5`);
  return Math.round(performance.now() - startMs);
}

/** Size of the files on the disk, without the store and its ballast. */
async function bytesUnder(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) bytes += await bytesUnder(path);
    else if (!name.startsWith("store.")) {
      bytes += await Deno.lstat(path).then(({ size }) => size, () => 0); // it was removed meanwhile
    }
  }
  return bytes;
}
