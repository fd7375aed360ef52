import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { onPath, runProgram } from "../kubectl.ts";
import { ServerProcess } from "../server_process.ts";
import { BAD_REQUESTS, type BadRequest, JSON_TYPE, MAPS } from "./bad_requests.ts";
import { LivezMeter, memoryMb } from "./livez_meter.ts";
import { sendRaw } from "./raw_request.ts";

/** The event loop must not be blocked for longer, whatever comes in. */
const HELD_MS_MAX = 500;
/** A busy machine blocks the loop too, so the best of several tries counts; usually one is enough. */
const TRIES = 10;
/** What all bad input together may add at its peak: about 220, most of it room that V8 takes and does not give back. */
const MEMORY_MB_MAX = 320;

/** Made last of what the server makes when it has started. */
const KEPT = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";

const FIVE_MISTAKES = `apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: -1
  colour: red
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: Web
          image: example.com/web:1
          ports: [{ containerPort: 99999 }]
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: nowhere }
spec: { ports: [{ port: 80 }] }
`;
const FIVE_PLACES = [
  [9, 3, "spec.replicas: Invalid value: -1"],
  [10, 3, 'unknown field "spec.colour"'],
  [16, 11, "spec.template.spec.containers[0].name: Invalid value"],
  [18, 21, "spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 99999"],
  [22, 24, 'namespaces "nowhere" not found'],
] as const;

Deno.test({
  name: "bad input is refused with a reason, changes nothing and holds nobody up",
  sanitizeOps: false, // the server's own pipes stay open as long as it runs
  sanitizeResources: false,
  async fn(test) {
    const server = await ServerProcess.start({
      runtime: "process",
      args: ["--stop-pods", "--temporary"],
    });
    try {
      await server.fetch(MAPS, {
        method: "POST",
        headers: { "content-type": JSON_TYPE },
        body: '{"metadata":{"name":"kept"},"data":{"a":"1"}}',
      });
      await eventually("what the server itself keeps", async () => (await server.fetch(KEPT)).ok);
      const before = await stateOf(server);
      const memoryMbBefore = memoryMb(server.pid).peak;
      const meter = await LivezMeter.start(server);
      for (const each of BAD_REQUESTS) {
        await test.step(each.name, async () => {
          const heldMs = await meter.leastOf(
            { tries: TRIES, enoughMs: HELD_MS_MAX },
            () => refuses(server, each),
          );
          assert.ok(heldMs < HELD_MS_MAX, `the loop was held ${heldMs} ms`);
        });
      }
      await test.step("curl: five mistakes are five lines with their places", () =>
        fiveByCurl(server));
      await test.step("coracle apply: five mistakes with file, line and column", () =>
        fiveByCoracle(server));
      await test.step("what is no HTTP", () => rawCases(server));
      await meter.stop();
      assert.deepEqual(await stateOf(server), before);
      const growth = memoryMb(server.pid).peak - memoryMbBefore;
      assert.ok(growth < MEMORY_MB_MAX, `the memory grew by ${growth} MB`);
      assert.doesNotMatch(server.log, /"level":"error"/);
    } finally {
      await server.stop();
      await Deno.remove(server.dataFolder, { recursive: true });
    }
  },
});

async function refuses(server: ServerProcess, each: BadRequest): Promise<void> {
  const { method = "POST", path = MAPS, type = JSON_TYPE, headers = {}, code = 400 } = each;
  const body = typeof each.body === "function" ? each.body() : each.body;
  const answer = await server.fetch(path, {
    method,
    headers: { accept: JSON_TYPE, ...(body !== undefined && { "content-type": type }), ...headers },
    ...(body !== undefined && { body }),
  });
  const text = await answer.text();
  const status = JSON.parse(text);
  const causes = (status.details?.causes ?? []).map(({ message }: { message: string }) => message);
  assert.equal(answer.status, code, text.slice(0, 500));
  assert.deepEqual([status.kind, status.status, status.code], ["Status", "Failure", code]);
  assert.match([status.message, ...causes].join("\n"), each.message);
  assert.ok(text.length < 400_000, `an answer of ${text.length} bytes`);
}

/** All objects, except those that the cluster writes by itself. */
async function stateOf(server: ServerProcess): Promise<unknown> {
  const kinds = ["namespaces", "configmaps", "secrets", "services", "pods"];
  return await Promise.all(kinds.map(async (kind) => {
    const { items } = await (await server.fetch(`/api/v1/${kind}`)).json();
    return items.map(({ metadata }: { metadata: Record<string, string> }) =>
      `${kind}/${metadata["namespace"]}/${metadata["name"]} ${metadata["resourceVersion"]}`
    );
  }));
}

async function withManifest(text: string, body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ prefix: "coracle-test-", suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, text);
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

async function fiveByCurl(server: ServerProcess): Promise<void> {
  const curl = onPath("curl");
  if (!curl) return; // without curl there is nothing to show
  const token = (await Deno.readTextFile(`${server.dataFolder}/admin.token`)).trim();
  await withManifest(FIVE_MISTAKES, async (path) => {
    const { stdout } = await runProgram(curl, [
      ...["-s", "-w", "%{http_code}", "--cacert", `${server.dataFolder}/ca.crt`],
      ...["-H", `authorization: Bearer ${token}`, "-T", path, `${server.address}/apply`],
    ]);
    assert.match(stdout, /422$/);
    for (const [line, column, what] of FIVE_PLACES) {
      const found = stdout.split("\n").find((each) => each.includes(what));
      assert.ok(
        found?.startsWith(`error: line ${line}, column ${column}: `),
        `${what} in\n${stdout}`,
      );
    }
    assert.equal(stdout.split("\n").filter((each) => /^error: line/.test(each)).length, 5, stdout);
  });
}

async function fiveByCoracle(server: ServerProcess): Promise<void> {
  await withManifest(FIVE_MISTAKES, async (path) => {
    const args = ["run", "-A", "main.ts", "apply", "-f", path, "--kubeconfig", server.kubeconfig];
    const { code, stdout, stderr } = await runProgram(Deno.execPath(), args);
    assert.deepEqual([code, stdout], [1, ""]);
    for (const [line, column, what] of FIVE_PLACES) {
      const found = stderr.split("\n").find((each) => each.includes(what));
      assert.ok(found?.startsWith(`${path}:${line}:${column}: `), `${what} in\n${stderr}`);
    }
    assert.equal(stderr.trim().split("\n").length, 6, stderr);
    assert.match(
      stderr,
      /coracle: Cannot apply: 2 of 3 objects cannot be applied, nothing was changed\n$/,
    );
  });
}

/** Each as bytes: the answer's status, where HTTP lets there be one, and else the end of the connection. */
async function rawCases(server: ServerProcess): Promise<void> {
  const caPem = await Deno.readTextFile(`${server.dataFolder}/ca.crt`);
  const token = (await Deno.readTextFile(`${server.dataFolder}/admin.token`)).trim();
  const head = (more: string) =>
    `POST ${MAPS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n${more}\r\n`;
  const chunk = `10000\r\n${"a".repeat(65536)}\r\n`;
  const rows: [
    name: string,
    parts: string[],
    statuses: number[],
    options?: { halfClose: boolean },
  ][] = [
    ["10 MB in chunks", [
      head("transfer-encoding: chunked\r\n"),
      ...Array(160).fill(chunk),
      "0\r\n\r\n",
    ], [413, 0]],
    ["10 MB announced", [head("content-length: 10000000\r\n")], [413]],
    ["a truncated body", [head("content-length: 100\r\n"), '{"metadata":'], [400, 0], {
      halfClose: true,
    }],
    ["a truncated chunk", [head("transfer-encoding: chunked\r\n"), "ff\r\n{"], [400, 0], {
      halfClose: true,
    }],
    ["a length that is none", [head("content-length: ten\r\n")], [400]],
    ["two lengths", [head("content-length: 2\r\ncontent-length: 3\r\n"), "{}"], [400]],
    ["a length and chunks", [
      head("content-length: 2\r\ntransfer-encoding: chunked\r\n"),
      "0\r\n\r\n",
    ], [400]],
    ["a head of 100 KB", [head(`x-large: ${"a".repeat(100_000)}\r\n`)], [431, 0]],
    ["five thousand headers", [
      head(Array.from({ length: 5000 }, (_, i) => `x-${i}: a\r\n`).join("")),
    ], [431, 400, 0]],
    ["a line of 100 KB", [`GET /${"a".repeat(100_000)} HTTP/1.1\r\n\r\n`], [431, 414, 0]],
    ["a made-up method", [`BREW ${MAPS} HTTP/1.1\r\nhost: x\r\n\r\n`], [400, 405, 0]],
    ["no HTTP at all", ["hello\r\n\r\n"], [400, 0]],
    ["HTTP/2 without asking", ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], [400, 505, 0]],
  ];
  for (const [name, parts, statuses, options] of rows) {
    const { status, text } = await sendRaw({ address: server.address, caPem }, parts, options);
    assert.ok(statuses.includes(status), `${name}: ${status} ${text.slice(0, 300)}`);
  }
}
