import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { connect } from "node:net";
import { ApiError, isRefusal } from "../../core/client/api_error.ts";
import type { ContainerSession, WantedStreams } from "../../core/client/container_session.ts";
import { EchoSession } from "../../core/client/echo_session.ts";
import type { LogOptions, NodeStreams } from "../../core/client/node_streams.ts";
import { RemoteStreams } from "../../core/client/remote_streams/remote_streams.ts";
import { UnreachableNode } from "../../core/client/nodes/unreachable_node.ts";
import { concat } from "../../core/lib/bytes.ts";
import { Random } from "../../core/lib/random.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { podStreamKinds } from "./pod_stream_kinds.ts";
import { remoteNode, settled } from "./remote_node_fixture.ts";

const POD = { namespace: "default", name: "web" };
const ALL: WantedStreams = { stdin: true, stdout: true, stderr: true, tty: false };
const EXEC = { container: "main", command: ["run"], streams: ALL };
const LOG: LogOptions = {
  container: "main",
  follow: false,
  previous: false,
  timestamps: false,
  tailLines: undefined,
  sinceMs: undefined,
  limitBytes: undefined,
};
const encoder = new TextEncoder();
const never = new AbortController().signal;

const unused = () => Promise.reject(new Error("nobody asks for it here"));
const nothing: NodeStreams = {
  // deno-lint-ignore require-yield -- it fails before
  async *logs() {
    await unused();
  },
  exec: unused,
  attach: unused,
  connect: unused,
};

function remote(given: Partial<NodeStreams>) {
  const clock = new VirtualClock(0);
  const tunnel = remoteNode(podStreamKinds({ streams: { ...nothing, ...given }, clock }), clock);
  return { ...tunnel, clock, streams: new RemoteStreams(tunnel.node, new Random(1)) };
}

/** Its output as text, by streams. */
async function outputOf(session: ContainerSession): Promise<{ stdout: string; stderr: string }> {
  const parts: Record<"stdout" | "stderr", Uint8Array[]> = { stdout: [], stderr: [] };
  for await (const { stream, bytes } of session.output) parts[stream].push(bytes);
  const text = (all: Uint8Array[]) => new TextDecoder().decode(concat(all));
  return { stdout: text(parts.stdout), stderr: text(parts.stderr) };
}

async function textOf(log: AsyncIterable<Uint8Array>): Promise<string> {
  return new TextDecoder().decode(concat(await Array.fromAsync(log)));
}

Deno.test("a command has its input, the end of that, both outputs and its exit code", async () => {
  const asked: unknown[] = [];
  const { streams, open } = remote({
    exec: (pod, request) => {
      asked.push(pod, request);
      return Promise.resolve(() =>
        Promise.resolve({
          ...sessionOf(new EchoSession({ output: "end", exitCode: 7 }, request.streams)),
        })
      );
    },
  });
  const session = await (await streams.exec(POD, EXEC))();
  await session.input.write(encoder.encode("hello "));
  await session.input.end();
  assert.deepEqual(await outputOf(session), { stdout: "hello end", stderr: "on stderr" });
  assert.equal(await session.exitCode(), 7);
  session.close();
  assert.deepEqual(asked, [POD, EXEC]);
  await settled();
  assert.equal(open(), 0);
});

/** The same session, that says something on stderr, too. */
function sessionOf(session: ContainerSession): ContainerSession {
  return {
    input: session.input,
    get output() {
      return (async function* () {
        yield { stream: "stderr" as const, bytes: encoder.encode("on stderr") };
        yield* session.output;
      })();
    },
    resize: (size) => session.resize(size),
    exitCode: () => session.exitCode(),
    close: () => session.close(),
  };
}

Deno.test("refusals keep their reasons and words; other faults their words", async () => {
  const table: [Partial<NodeStreams>, string | undefined, string][] = [
    [
      { exec: () => Promise.reject(new ApiError("InternalError", 'container not found ("main")')) },
      "InternalError",
      'container not found ("main")',
    ],
    [
      { exec: () => Promise.reject(new ApiError("NotFound", 'pods "web" not found')) },
      "NotFound",
      'pods "web" not found',
    ],
    [
      { exec: () => Promise.reject(new Error("dial tcp: refused")) },
      undefined,
      "dial tcp: refused",
    ],
    [
      { exec: () => Promise.reject(new ApiError("Unauthorized", "say your password")) },
      "InternalError",
      "say your password",
    ],
    [
      { exec: () => Promise.reject(new Error("red \x1b[31m\nnext")) },
      undefined,
      "red \ufffd[31m\nnext",
    ],
  ];
  for (const [given, reason, message] of table) {
    const { streams, open } = remote(given);
    const error: Error = await streams.exec(POD, EXEC).then(() => assert.fail(), (error) => error);
    assert.equal(error.message, message);
    assert.equal(error instanceof ApiError ? error.reason : undefined, reason);
    await settled();
    assert.equal(open(), 0);
  }
});

Deno.test("a command that cannot be started says why, and is not the end of the tunnel", async () => {
  const { streams, open } = remote({
    exec: () => Promise.resolve(() => Promise.reject(new Error('exec: "run": not found'))),
  });
  const start = await streams.exec(POD, EXEC);
  await assert.rejects(start(), { message: 'exec: "run": not found' });
  await settled();
  assert.equal(open(), 0);
});

Deno.test("sizes of the terminal reach the session while its input waits", async () => {
  const sizes: unknown[] = [];
  const stuck = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const { streams } = remote({
    attach: () =>
      Promise.resolve(() =>
        Promise.resolve({
          input: { write: () => stuck.promise, end: () => Promise.resolve() },
          output: { [Symbol.asyncIterator]: () => ({ next: () => closed.promise as never }) },
          resize: (size) => Promise.resolve(void sizes.push(size)),
          exitCode: () => Promise.resolve(0),
          close: () => closed.reject(new Error("closed")),
        })
      ),
  });
  const session = await (await streams.attach(POD, EXEC))();
  let taken = 0;
  void (async () => {
    for (;; taken += 16_384) await session.input.write(new Uint8Array(16_384));
  })().catch(() => {});
  await settled();
  assert.ok(
    taken > 0 && taken <= 512 * 1024,
    `${taken} bytes were taken for a reader that reads none`,
  );
  await session.resize({ columns: 80, rows: 24 });
  await settled();
  assert.deepEqual(sizes, [{ columns: 80, rows: 24 }]);
  session.close();
  await assert.rejects(closed.promise);
});

Deno.test("a slow reader stops the container's output, and gets all of it in the end", async () => {
  let produced = 0;
  const total = 8 * 1024 * 1024;
  const { streams } = remote({
    async *logs() {
      for (; produced < total; produced += 16_384) yield new Uint8Array(16_384);
    },
  });
  const log = streams.logs(POD, LOG, never)[Symbol.asyncIterator]();
  let read = (await log.next()).value!.length as number;
  await settled();
  assert.ok(produced <= 1024 * 1024, `${produced} bytes wait for a reader`);
  for (let next; !(next = await log.next()).done;) read += next.value.length;
  assert.equal(read, total);
});

Deno.test("logs: what comes, refusals, and the end when the reader leaves", async () => {
  let wasAborted = false;
  const { streams, open } = remote({
    logs: (pod, options, signal) =>
      (async function* () {
        if (pod.name === "gone") throw new ApiError("NotFound", 'pods "gone" not found');
        yield encoder.encode(`${pod.name} ${options.tailLines}\n`);
        if (!options.follow) return;
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        wasAborted = true;
      })(),
  });
  assert.equal(await textOf(streams.logs(POD, { ...LOG, tailLines: 3 }, never)), "web 3\n");
  await assert.rejects(
    textOf(streams.logs({ ...POD, name: "gone" }, LOG, never)),
    (error) => isRefusal(error, "NotFound"),
  );
  const end = new AbortController();
  const following = streams.logs(POD, { ...LOG, follow: true }, end.signal)[Symbol.asyncIterator]();
  assert.equal((await following.next()).value?.length, 0);
  assert.equal((await following.next()).value?.length, "web undefined\n".length);
  end.abort();
  await assert.rejects(following.next());
  await settled();
  assert.deepEqual([wasAborted, open()], [true, 0]);
});

Deno.test("a tunnel that breaks ends everything with the reason", async () => {
  const session = () => Promise.resolve(new EchoSession({ output: "", exitCode: 0 }, ALL));
  const { streams, cut } = remote({
    exec: () => Promise.resolve(session),
    async *logs(_pod, _options, signal) {
      yield encoder.encode("first\n");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  });
  const running = await (await streams.exec(POD, EXEC))();
  const prepared = await streams.exec(POD, EXEC);
  const log = streams.logs(POD, { ...LOG, follow: true }, never)[Symbol.asyncIterator]();
  for (let i = 0; i < 2; i++) await log.next();
  const reads = [outputOf(running), log.next()];
  cut("no answer for 40 s");
  const lost = {
    name: "UnreachableNode",
    message: 'lost connection to the agent of node "edge": no answer for 40 s',
  };
  const later = [prepared(), streams.exec(POD, EXEC), running.input.write(encoder.encode("more"))];
  await Promise.all([...reads, ...later].map((each) => assert.rejects(each, lost)));
});

Deno.test("an agent that does not answer is waited for 30 s; a start that never comes, 60 s", async () => {
  const { streams, clock, open } = remote({ exec: () => new Promise(() => {}) });
  const asked = streams.exec(POD, EXEC);
  asked.catch(() => {});
  await clock.advance(29_999);
  assert.ok(open() > 0);
  await clock.advance(1);
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof UnreachableNode);
    assert.match(
      error.message,
      /^dial timeout: the agent of node "edge" has not answered within 30 s$/,
    );
    return true;
  });
  const idle = remote({ exec: () => Promise.resolve(() => new Promise<never>(() => {})) });
  await idle.streams.exec(POD, EXEC);
  assert.equal(idle.open(), 2);
  await idle.clock.advance(60_000);
  await settled();
  assert.equal(idle.open(), 0);
});

Deno.test("a port: both directions, each with its own end, and the words when nobody listens", async () => {
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    let got = 0;
    socket.on("data", (bytes) => got += bytes.length);
    socket.on("end", () => socket.end(`got ${got}`)); // after the client has ended its side
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  let { port } = server.address() as { port: number };
  const { streams, open } = remote({
    connect: (_pod, target) => {
      if (target.port !== port) return Promise.reject(new Error("dial tcp4 x: connection refused"));
      const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
      return new Promise((resolve) => socket.once("connect", () => resolve(socket)));
    },
  });
  const connection = await streams.connect(POD, { port, at: "loopback" });
  const sent = 1_000_000;
  connection.end(new Uint8Array(sent));
  assert.equal(await textOf(connection as AsyncIterable<Uint8Array>), `got ${sent}`);
  // The pod may end its side first, and still read.
  const early = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    socket.end("bye");
    socket.on("data", (bytes) => read += bytes.length).on("end", () => allRead.resolve());
  });
  let read = 0;
  const allRead = Promise.withResolvers<void>();
  await new Promise<void>((resolve) => early.listen(0, "127.0.0.1", resolve));
  port = (early.address() as { port: number }).port;
  const other = await streams.connect(POD, { port, at: "loopback" });
  assert.equal(await textOf(other.iterator({ destroyOnReturn: false })), "bye");
  other.end(new Uint8Array(sent));
  await allRead.promise;
  assert.equal(read, sent);
  early.close();
  await assert.rejects(streams.connect(POD, { port: 1, at: "address" }), {
    message: "dial tcp4 x: connection refused",
  });
  await settled();
  assert.equal(open(), 0);
  server.close();
});
