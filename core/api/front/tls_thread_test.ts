import assert from "node:assert/strict";
import { connect as dial, type Socket } from "node:net";
import { SystemClock } from "../../lib/clock.ts";
import { Sockets } from "../../lib/linux/sockets.ts";
import { Log } from "../../lib/log.ts";
import { loadCredentials } from "../access/pki.ts";
import { inMemory, testCredentials } from "../remote_fixture.ts";
import { HANDSHAKE_MS, HANDSHAKES_MAX } from "./limits.ts";
import { ListenError } from "./served.ts";
import { socketOn, threadObstacle } from "./thread_front.ts";
import { type Arrival, TlsThread, type TlsThreadOptions } from "./tls_thread.ts";

const ignore = threadObstacle() !== undefined; // install OpenSSL 3 (libssl3)
/** More than all handshakes that may be in progress, from addresses that have few each. */
const CROWD = 2 * HANDSHAKES_MAX;
const ADDRESSES = 64;
const HANDSHAKE_RECORD = 22;
const UNKNOWN_ORDER = 1 << 20;
const BULK_BYTES = 8 << 20;
const { authority, server } = await testCredentials;

interface Running {
  thread: TlsThread;
  arrivals: Arrival[];
  sockets: Socket[];
  /** Lines of the log, and what to call when there is another one. */
  log: string[];
  onLog: (() => void) | undefined;
}

function test(name: string, act: (running: Running) => Promise<void>): void {
  Deno.test({ name, ignore, fn: () => withThread(act) });
}

/** A thread whose connections are served by `serve`. */
async function withThread(
  act: (running: Running) => Promise<void>,
  more: Partial<TlsThreadOptions> = {},
): Promise<void> {
  const running: Omit<Running, "thread"> = { arrivals: [], sockets: [], log: [], onLog: undefined };
  const sink = (line: string) => {
    running.log.push(line);
    running.onLog?.();
  };
  const clock = new SystemClock();
  const thread = await TlsThread.start({
    ...{ sockets: Sockets.open()!, host: "127.0.0.1", port: 0, clock },
    ...{ tls: { ...server, authority }, handshakeMs: HANDSHAKE_MS, relaysMax: 100 },
    log: new Log({ clock, sink, level: "info", format: "json" }),
    onArrival: (arrival) => {
      running.arrivals.push(arrival);
      const socket = socketOn(arrival.descriptor);
      running.sockets.push(socket);
      echo(socket);
    },
    onLost: () => {},
    ...more,
  });
  try {
    await act(Object.assign(running, { thread }));
  } finally {
    const stopped = thread.stop();
    thread.cut();
    await stopped;
  }
}

/** Sends back what comes; after the peer's end, a last word. */
function echo(socket: Socket): void {
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => {
    if (socket.write(bytes)) return;
    socket.pause();
    socket.once("drain", () => socket.resume());
  });
  socket.on("end", () => socket.end("bye"));
}

function connect({ address }: TlsThread, caCerts = [authority]): Promise<Deno.TlsConn> {
  return Deno.connectTls({ hostname: "127.0.0.1", port: address.port, caCerts });
}

test("bytes pass both ways at the pace of the slower side, and an end passes without the other", async ({ thread, arrivals }) => {
  using connection = await connect(thread);
  const sent = new Uint8Array(BULK_BYTES).map((_, index) => index * 7 + (index >> 12));
  const writer = (async () => {
    for (let at = 0; at < sent.length;) {
      at += await connection.write(sent.subarray(at, at + 50_000));
    }
    await connection.closeWrite();
  })();
  const got = new Uint8Array(BULK_BYTES + 3);
  let length = 0;
  for (;;) {
    const read = await connection.read(got.subarray(length, length + 10_000)).catch(() => null);
    if (read === null || read === 0) break;
    length += read;
  }
  await writer;
  assert.equal(length, BULK_BYTES + 3);
  assert.deepEqual(got.subarray(0, BULK_BYTES), sent);
  assert.equal(new TextDecoder().decode(got.subarray(BULK_BYTES)), "bye");
  assert.deepEqual(arrivals.map(({ address, certificate }) => [address, certificate]), [
    ["127.0.0.1", undefined],
  ]);
  assert.equal(arrivals[0]!.port, (connection.localAddr as Deno.NetAddr).port);
});

test("when the thread dies its connections end, and the next one is served by another thread", async (running) => {
  const { thread } = running;
  using cut = await connect(thread);
  await says(cut, "one");
  const died = new Promise<void>((resolve) => running.onLog = resolve);
  thread.order(UNKNOWN_ORDER);
  await died;
  assert.match(running.log[0]!, /TLS thread has died.*unknown order/);
  assert.equal(await cut.read(new Uint8Array(8)).catch(() => null), null);
  using next = await connect(thread);
  await says(next, "two");
});

test("another certificate is shown from now on; one that does not fit its key is not", async (running) => {
  const { thread } = running;
  const other = await loadCredentials(inMemory(), [], Date.now());
  thread.useCertificate({ ...other.server, authority });
  using one = await connect(thread, [other.authority]);
  await says(one, "one");
  const refused = new Promise<void>((resolve) => running.onLog = resolve);
  const { certificate } = server;
  thread.useCertificate({ certificate, key: other.server.key, authority });
  await refused;
  assert.match(running.log[0]!, /Cannot use the new certificate/);
  using two = await connect(thread, [other.authority]);
  await says(two, "two");
});

test("what is no TLS is closed at once, and what is cut off leaves no connection behind", async ({ thread, sockets }) => {
  for (let index = 0; index < 50; index++) {
    const plain = await Deno.connect({ hostname: "127.0.0.1", port: thread.address.port });
    await plain.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    while (await plain.read(new Uint8Array(64)).catch(() => null) !== null); // an alert
    plain.close();
    const connection = await connect(thread);
    if (index % 2 === 0) await says(connection, "x");
    connection.close();
  }
  const deadlineMs = performance.now() + 5_000;
  const left = () =>
    connectionsOn(thread.address.port) + sockets.filter((one) => !one.closed).length;
  while (left() > 0 && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(left(), 0);
});

Deno.test({
  name:
    "a handshake that does not go on is cut off in time, and one too many takes the place of the oldest",
  ignore,
  fn: () =>
    withThread(async ({ thread }) => {
      const { port } = thread.address;
      const silent = await Deno.connect({ hostname: "127.0.0.1", port });
      await silent.write(new Uint8Array([22, 3, 1, 2]));
      assert.equal(await silent.read(new Uint8Array(1)).catch(() => null), null);
      silent.close();
      const [first, second] = [
        await Deno.connect({ hostname: "127.0.0.1", port }),
        await Deno.connect({ hostname: "127.0.0.1", port }),
      ];
      assert.equal(await first.read(new Uint8Array(1)).catch(() => null), null);
      first.close();
      second.close();
    }, { handshakeMs: 300, relaysMax: 1 }),
});

Deno.test({
  name:
    "a crowd that comes at once is served in turn: nobody is closed unheard for those who come later",
  ignore,
  fn: () =>
    withThread(async ({ thread }) => {
      const hello = await clientHello();
      const { port } = thread.address;
      const heard = await Promise.all(Array.from({ length: CROWD }, (_, i) => {
        const localAddress = `127.0.1.${1 + i % ADDRESSES}`;
        return firstByte(dial({ host: "127.0.0.1", port, localAddress }), hello);
      }));
      assert.equal(heard.filter((byte) => byte === HANDSHAKE_RECORD).length, CROWD);
    }, { relaysMax: 2 * CROWD, handshakeMs: 1_000_000 }),
});

Deno.test({
  name: "an address that cannot be had is said as by node:net, for IPv6 as well",
  ignore,
  fn: async () => {
    await withThread(async ({ thread }) => {
      const { port } = thread.address;
      const taken = withThread(() => Promise.resolve(), { port });
      await assert.rejects(
        taken,
        new ListenError(
          `Cannot listen on 127.0.0.1:${port}: the address is in use; stop the process that listens there, or choose another with "--listen"`,
        ),
      );
    });
    const foreign = withThread(() => Promise.resolve(), { host: "192.0.2.1" });
    await assert.rejects(foreign, /Cannot listen on 192\.0\.2\.1:0: this machine does not have/);
    await withThread(async ({ thread }) => {
      const { port, host } = thread.address;
      assert.equal(host, "::1");
      const connection = await Deno.connect({ hostname: "::1", port });
      connection.close();
    }, { host: "::1" });
  },
});

/** What the other end says first; `undefined`: nothing. */
function firstByte(socket: Socket, sent: Uint8Array): Promise<number | undefined> {
  return new Promise((resolve) => {
    socket.on("error", () => resolve(undefined)).on("close", () => resolve(undefined));
    socket.on("data", (bytes: Uint8Array) => {
      resolve(bytes[0]);
      socket.destroy();
    });
    socket.write(sent);
  });
}

/** The first bytes of a client. */
async function clientHello(): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = Deno.connectTls({ hostname: "127.0.0.1", port: listener.addr.port });
  const connection = await listener.accept();
  const hello = new Uint8Array(4096);
  const count = await connection.read(hello);
  connection.close();
  await client.then((one) => one.handshake()).catch(() => {}); // there is no server
  return hello.subarray(0, count!);
}

async function says(connection: Deno.TlsConn, word: string): Promise<void> {
  await connection.write(new TextEncoder().encode(word));
  const buffer = new Uint8Array(64);
  const read = await connection.read(buffer);
  assert.equal(new TextDecoder().decode(buffer.subarray(0, read ?? 0)), word);
}

/** Those of the server that are open: ESTABLISHED or CLOSE_WAIT, as proc(5) has it in net/tcp. */
function connectionsOn(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return Deno.readTextFileSync("/proc/net/tcp").split("\n").filter((line) => {
    const [, address, , state] = line.trim().split(/\s+/);
    return address?.endsWith(local) && (state === "01" || state === "08");
  }).length;
}
