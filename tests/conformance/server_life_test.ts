import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { type Output, runProgram } from "../kubectl.ts";
import { ServerProcess } from "../server_process.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";

async function withProcess(body: (server: ServerProcess) => Promise<void>): Promise<void> {
  const server = await ServerProcess.start({
    runtime: "process",
    args: ["--stop-pods", "--temporary"],
  });
  try {
    await body(server);
  } finally {
    await server.stop();
    await Deno.remove(server.dataFolder, { recursive: true });
  }
}

/** `coracle server` that is to end by itself. */
function server(...args: string[]): Promise<Output> {
  const flags = ["--runtime", "process", "--listen", "127.0.0.1:0", ...args];
  return runProgram(Deno.execPath(), ["run", "-A", "main.ts", "server", ...flags]);
}

/** One line, apart from the log, and no stack. */
function refusal({ code, stdout, stderr }: Output): string {
  const lines = stderr.trim().split("\n").filter((line) => !line.startsWith("{"));
  assert.deepEqual([code, stdout, lines.length], [1, "", 1], stderr);
  return lines[0]!;
}

/** Test options: the server's own pipes stay open as long as it runs. */
const options = { sanitizeOps: false, sanitizeResources: false };

Deno.test({
  name: "a server keeps its secrets, and lets strangers see that it is well",
  ...options,
  fn: () =>
    withProcess(async (server) => {
      const modes = Object.fromEntries(
        ["admin.token", "admin.kubeconfig", "ca.key", "server.key"].map((name) => [
          name,
          modeOf(`${server.dataFolder}/${name}`),
        ]),
      );
      for (const [name, mode] of Object.entries(modes)) {
        assert.ok(mode === undefined || mode === 0o600, `${name}: ${mode?.toString(8)}`);
      }
      assert.deepEqual([modes["admin.token"], modes["admin.kubeconfig"]], [0o600, 0o600]);
      assert.deepEqual(readableByOthers(server.dataFolder), []);
      const ca = await Deno.readTextFile(`${server.dataFolder}/ca.crt`);
      using client = Deno.createHttpClient({ caCerts: [ca] });
      const codeOf = async (path: string) => {
        const answer = await fetch(`${server.address}${path}`, { client });
        await answer.body?.cancel();
        return answer.status;
      };
      for (const path of ["/livez", "/readyz", "/version"]) assert.equal(await codeOf(path), 200);
      for (const path of ["/api", "/apis", "/openapi/v3", MAPS, "/apply", "/nothing"]) {
        assert.equal(await codeOf(path), 401, path);
      }
      assert.equal(new X509Certificate(ca).validFromDate.getUTCFullYear(), 1970);
    }),
});

function modeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).mode! & 0o777;
  } catch {
    return undefined; // kept under another name
  }
}

/** Files at the top of the data folder that hold keys and that others may read. */
function readableByOthers(folder: string): string[] {
  return [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile)
    .map(({ name }) => name)
    .filter((name) => /PRIVATE KEY|token/.test(Deno.readTextFileSync(`${folder}/${name}`)))
    .filter((name) => (modeOf(`${folder}/${name}`)! & 0o077) !== 0);
}

Deno.test({
  name: "what another server has is refused: its data by its pid, its port by what to do",
  ...options,
  fn: () =>
    withProcess(async (first) => {
      const sameData = refusal(await server("--data", first.dataFolder));
      assert.match(sameData, new RegExp(`another coracle server uses it \\(pid ${first.pid}\\)`));
      const data = await Deno.makeTempDir({ prefix: "coracle-test-" });
      const port = new URL(first.address).port;
      const samePort = refusal(await server("--data", data, "--listen", `127.0.0.1:${port}`));
      assert.match(
        samePort,
        /Cannot listen on 127\.0\.0\.1:\d+: the address is in use; .*--listen/,
      );
      await Deno.remove(data, { recursive: true });
      assert.equal((await first.fetch(MAPS)).status, 200, "the first goes on");
    }),
});

Deno.test({
  name: "a data file that is damaged or of a newer version is refused in one line",
  ...options,
  async fn() {
    const data = await Deno.makeTempDir({ prefix: "coracle-test-" });
    try {
      await Deno.writeTextFile(`${data}/store.kv`, "this is no database ".repeat(1000));
      assert.match(
        refusal(await server("--data", data)),
        /Cannot (read|open) .* ".*store\.kv": .*; restore it from a backup, or move it away/,
      );
      await Deno.remove(`${data}/store.kv`);
      const kv = await Deno.openKv(`${data}/store.kv`);
      await kv.set(["m", "format"], 99);
      kv.close();
      assert.match(
        refusal(await server("--data", data)),
        /its format is 99, this version reads up/,
      );
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  },
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test({
    name: `${signal} ends watches in order, lets requests under way end, and exits with 0`,
    ...options,
    fn: () =>
      withProcess(async (server) => {
        const watch = server.fetch(`${MAPS}?watch=1`).then((answer) => answer.text());
        const slow = await slowCreate(server);
        Deno.kill(server.pid, signal);
        assert.match(await watch, /"kube-root-ca|^$|"type"/); // its end says that the stop has begun
        assert.match(await slow.finish(), /^HTTP\/1\.1 201 /);
        assert.equal(await server.ended, 0);
        await assert.rejects(server.fetch("/livez"));
        assert.doesNotMatch(server.log, /"level":"error"/);
      }),
  });
}

/** A request whose body comes late; it is under way once the server has asked for the body. */
async function slowCreate(server: ServerProcess) {
  const { hostname, port } = new URL(server.address);
  const ca = await Deno.readTextFile(`${server.dataFolder}/ca.crt`);
  const token = (await Deno.readTextFile(`${server.dataFolder}/admin.token`)).trim();
  const connection = await Deno.connectTls({ hostname, port: Number(port), caCerts: [ca] });
  const body = '{"metadata":{"name":"slow"}}';
  const head = [
    ...[`POST ${MAPS} HTTP/1.1`, `host: ${hostname}`, `authorization: Bearer ${token}`],
    ...["content-type: application/json", `content-length: ${body.length}`],
    ...["expect: 100-continue", "", ""],
  ];
  await connection.write(new TextEncoder().encode(head.join("\r\n")));
  assert.match(await received(connection), /^HTTP\/1\.1 100 /);
  return {
    async finish(): Promise<string> {
      await connection.write(new TextEncoder().encode(body));
      const answer = await received(connection);
      connection.close();
      return answer;
    },
  };
}

async function received(connection: Deno.TlsConn): Promise<string> {
  const buffer = new Uint8Array(64 * 1024);
  return new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
}
