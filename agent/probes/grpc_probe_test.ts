import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { SystemClock } from "../../core/lib/clock.ts";
import { Slots } from "../../core/lib/slots.ts";
import { dialProbe } from "./probe_dialer.ts";

const SERVING = Uint8Array.of(0, 0, 0, 0, 2, 0x08, 1);

const ANSWERS: [title: string, answer: Answer, result: string, output: RegExp][] = [
  ["a service that serves", { message: SERVING }, "success", /^service healthy$/],
  [
    "a service that does not",
    { message: Uint8Array.of(0, 0, 0, 0, 2, 0x08, 2) },
    "failure",
    /^service unhealthy \(responded with "NOT_SERVING"\)$/,
  ],
  [
    "an answer without a status",
    { message: Uint8Array.of(0, 0, 0, 0, 0) },
    "failure",
    /^service unhealthy \(responded with "UNKNOWN"\)$/,
  ],
  [
    "a service that is not known",
    { code: 5, text: "unknown%20service" },
    "failure",
    /^error: health rpc probe failed: rpc error: code = NotFound desc = unknown service$/,
  ],
  [
    "a server without a health service",
    { code: 12, text: "unknown service grpc.health.v1.Health" },
    "failure",
    /^error: this server does not implement the grpc health protocol \(grpc.health.v1.Health\): unknown service grpc/,
  ],
  [
    "a server that speaks no gRPC",
    { status: 404 },
    "failure",
    /does not implement the grpc health protocol.* 404/,
  ],
  ["an answer that ends in between", { message: SERVING, code: null }, "failure", /trailers$/],
];
for (const [title, answer, result, output] of ANSWERS) {
  Deno.test(`a gRPC probe of ${title} is a ${result}`, async () => {
    await using server = await HealthServer.start(answer);
    const outcome = await ask(server.port);
    assert.equal(outcome.result, result);
    assert.match(outcome.output, output);
  });
}

Deno.test("a gRPC probe asks for a service, in the words of the protocol", async () => {
  await using server = await HealthServer.start({ message: SERVING });
  assert.equal((await ask(server.port, "shop")).result, "success");
  assert.deepEqual(server.asked, Uint8Array.of(0, 0, 0, 0, 6, 0x0a, 4, 115, 104, 111, 112));
  const { [":path"]: path, te, "content-type": type } = server.headers;
  assert.deepEqual([path, te, type], [
    "/grpc.health.v1.Health/Check",
    "trailers",
    "application/grpc",
  ]);
  assert.match(server.headers["user-agent"]!, /^kube-probe\/1\.34 /);
});

Deno.test("who does not answer a gRPC probe in time has failed", async () => {
  await using server = await HealthServer.start({ isSilent: true });
  assert.deepEqual(await ask(server.port, "", 0.1), {
    result: "failure",
    output: "timeout: health rpc did not complete within 0.1s",
  });
});

Deno.test("who speaks no HTTP/2, and who does not listen, cannot be connected to", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const answering = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(100));
    await connection.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
  })();
  const expected = {
    result: "failure",
    output: `timeout: failed to connect service "127.0.0.1:${port}" within 1s: ` +
      "context deadline exceeded",
  };
  assert.deepEqual(await ask(port), expected);
  await answering;
  listener.close();
  assert.deepEqual(await ask(port), expected);
});

interface Answer {
  status?: number;
  message?: Uint8Array;
  /** `null`: no trailers. */
  code?: number | null;
  text?: string;
  isSilent?: boolean;
}

class HealthServer implements AsyncDisposable {
  headers: IncomingHttpHeaders = {};
  asked: Uint8Array = new Uint8Array();
  readonly #server = createServer();

  static async start(answer: Answer): Promise<HealthServer> {
    const server = new HealthServer();
    server.#server.on("stream", (stream, headers) => {
      server.headers = headers;
      stream.on("data", (bytes: Uint8Array) => server.asked = new Uint8Array(bytes));
      if (!answer.isSilent) stream.on("end", () => respond(stream as ServerHttp2Stream, answer)); // of a server
      stream.resume();
    });
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // it listens
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function respond(stream: ServerHttp2Stream, { status = 200, message, code = 0, text }: Answer) {
  const type = status === 200 ? "application/grpc" : "text/plain; charset=utf-8";
  const isShort = code === null || status !== 200;
  stream.respond({ ":status": status, "content-type": type }, { waitForTrailers: !isShort });
  stream.on("wantTrailers", () => {
    stream.sendTrailers({ "grpc-status": `${code}`, ...(text && { "grpc-message": text }) });
  });
  stream.end(message);
}

function ask(port: number, service = "", timeoutSeconds = 1) {
  const runtime = { exec: () => Promise.reject(new Error("not used")) };
  const thresholds = { periodSeconds: 1, successThreshold: 1, failureThreshold: 1 };
  return dialProbe(
    { grpc: { port, service }, timeoutSeconds, ...thresholds },
    {
      ...{ podIP: "127.0.0.1", containerId: "c", ports: [], runtime },
      ...{ execSlots: new Slots(1), clock: new SystemClock() },
    },
    new AbortController().signal,
  );
}
