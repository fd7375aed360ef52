import assert from "node:assert/strict";
import { Epoll } from "../../lib/linux/epoll.ts";
import { addressOf, pointerTo } from "../../lib/linux/memory.ts";
import { Openssl } from "../../lib/linux/openssl.ts";
import { Sockets } from "../../lib/linux/sockets.ts";
import { TlsContext } from "../../lib/linux/tls_context.ts";
import { testCredentials } from "../remote_fixture.ts";
import { WATCH_QUEUE_BYTES_MAX } from "../watch/watch_limits.ts";
import { Relay } from "./relay.ts";
import { End, type RelayLoop, relayMemory } from "./relay_loop.ts";
import { threadObstacle } from "./thread_front.ts";

const BULK = new Uint8Array(4 << 20).fill(98);
/** More than the kernel takes in of what nobody reads: `tcp_wmem` alone, which grows under load, may be all of {@linkcode BULK}. */
const SURPLUS = new Uint8Array(12 << 20).fill(98);

/** One relay, step by step: its peer is a real client, its server's end is ours. */
class Bench {
  readonly relay: Relay;
  readonly client: Deno.TlsConn;
  /** What is in the ring: words that are delivered to the relay, and after how many bytes it enters. */
  readonly broadcasts: (string | number)[] = [];
  isBlocked = false;
  readonly returned: number[] = [];
  readonly #loop: RelayLoop<Relay>;
  readonly #listener: number;
  #server = -1;
  #served = 0;
  #hasMore = false;

  static async open(): Promise<Bench> {
    const { authority, server } = await testCredentials;
    const openssl = Openssl.open() as Openssl;
    const context = new TlsContext(openssl, {
      ...{ certificate: server.certificate, key: server.key },
      ...{ protocols: ["http/1.1"], sessionContext: "test" },
    });
    const sockets = Sockets.open()!;
    const listener = sockets.listen({ host: "127.0.0.1", port: 0 });
    const { port } = listener.address;
    const connecting = Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [authority] })
      .then(async (connection) => {
        await connection.handshake();
        return connection;
      });
    let accepted = sockets.accept(listener.descriptor);
    for (; "errno" in accepted; accepted = sockets.accept(listener.descriptor)) await tick();
    const bench = new Bench(
      { sockets, openssl },
      context,
      accepted.descriptor,
      listener.descriptor,
    );
    while (bench.relay.state === "handshake") await bench.step();
    return Object.assign(bench, { client: await connecting });
  }

  private constructor(
    libraries: Pick<RelayLoop<Relay>, "sockets" | "openssl">,
    context: TlsContext,
    descriptor: number,
    listener: number,
  ) {
    const broadcasts = this.broadcasts;
    const loop: RelayLoop<Relay> = {
      ...libraries,
      ...relayMemory(),
      epoll: new Epoll<object>(libraries.sockets),
      now: () => performance.now(),
      opened: (_, server) => this.#server = server,
      get hasBroadcasts() {
        return broadcasts.length > 0;
      },
      readBroadcasts: () => {
        for (const broadcast of broadcasts.splice(0)) {
          if (typeof broadcast === "number") this.relay.enterRing(broadcast);
          else this.deliver(broadcast);
        }
      },
      blocked: () => this.isBlocked = true,
      unblocked: () => this.isBlocked = false,
      again: () => this.#hasMore = true,
      lingers: () => {},
      returned: (loan) => this.returned.push(loan),
      closed: () => {},
    };
    this.#loop = loop;
    this.#listener = listener;
    this.relay = new Relay(loop, context, descriptor, 1, "127.0.0.1", 1);
    this.client = undefined as unknown as Deno.TlsConn; // set by `open`
  }

  /** What has happened to its ends is told to the relay. */
  async step(): Promise<void> {
    this.#loop.epoll.wait(0, (owner, mask) => {
      if (!(owner instanceof End)) return;
      if (this.relay.state !== "handshake") return this.relay.happened(owner, mask);
      this.relay.notice(owner, mask);
      this.relay.goOn();
    });
    const hasMore = this.#hasMore;
    this.#hasMore = false;
    if (hasMore) this.relay.goOn();
    await tick();
  }

  /** The server writes to its end. */
  serve(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#loop.sockets.send(this.#server, pointerTo(bytes), bytes.length);
    this.#served += bytes.length;
  }

  get served(): number {
    return this.#served;
  }

  /** As the server does when all that it wrote has left it. */
  enter(): void {
    this.relay.enterRing(this.#served);
  }

  /** The server closes its end. */
  endServer(): void {
    this.#loop.sockets.close(this.#server);
    this.#server = -1;
  }

  /** A loan of the server, without bytes of its own in the ring. */
  lend(id: number, bytes: Uint8Array): void {
    this.relay.borrow({ id, address: addressOf(bytes), length: bytes.length });
  }

  deliver(broadcast: string | Uint8Array<ArrayBuffer>): void {
    const bytes = typeof broadcast === "string" ? new TextEncoder().encode(broadcast) : broadcast;
    this.relay.deliver(pointerTo(bytes), bytes.length, () => bytes.slice());
  }

  /** What the client hears until the word, with the relay at work; of large ones only the last bytes. */
  async hears(word: string): Promise<string> {
    const buffer = new Uint8Array(65_536);
    let text = "";
    while (!text.endsWith(word)) {
      const reading = this.client.read(buffer);
      let read: number | null | undefined;
      void reading.then((bytes) => read = bytes ?? 0);
      while (read === undefined) await this.step();
      if (read === 0) break;
      text = (text + new TextDecoder().decode(buffer.subarray(0, read!))).slice(-100);
    }
    return text;
  }

  [Symbol.dispose](): void {
    this.relay.close();
    if (this.#server >= 0) this.#loop.sockets.close(this.#server);
    this.#loop.sockets.close(this.#listener);
    this.#loop.epoll.close();
    this.client.close();
  }
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function test(name: string, act: (bench: Bench) => Promise<void>): void {
  Deno.test({
    name,
    ignore: threadObstacle() !== undefined, // install OpenSSL 3 (libssl3)
    fn: async () => {
      using bench = await Bench.open();
      await act(bench);
    },
  });
}

test("broadcasts come after what the server wrote before the relay entered the ring", async (bench) => {
  bench.serve("head ");
  bench.enter();
  bench.deliver("broadcast ");
  assert.equal(await bench.hears("broadcast "), "head broadcast ");
});

test("what the server writes comes after the broadcasts that it wrote before", async (bench) => {
  bench.enter();
  bench.deliver("first ");
  bench.broadcasts.push("last ");
  bench.serve("end");
  assert.equal(await bench.hears("end"), "first last end");
});

test("the order is the same when the peer takes nothing for a while", async (bench) => {
  bench.serve("head ");
  bench.enter();
  while (!bench.isBlocked) bench.deliver(BULK);
  bench.deliver("one ");
  bench.broadcasts.push("two ");
  bench.serve("three");
  for (let step = 0; step < 20; step++) await bench.step();
  assert.match(await bench.hears("three"), /^b+one two three$/);
  assert.equal(bench.isBlocked, false);
});

test("what the server wrote after it entered stays behind the broadcasts, though the relay reads both late", async (bench) => {
  bench.serve("head ");
  const before = bench.served;
  bench.serve("end");
  bench.broadcasts.push("broadcast ");
  bench.relay.enterRing(before);
  assert.equal(await bench.hears("end"), "head broadcast end");
});

test("an end that is read together with its head stays behind the broadcasts, when the relay enters late", async (bench) => {
  bench.serve("head ");
  bench.broadcasts.push(bench.served, "broadcast ");
  bench.serve("end");
  assert.equal(await bench.hears("end"), "head broadcast end");
});

test("of two answers that are read in one piece, each has its broadcasts between head and end", async (bench) => {
  bench.serve("one ");
  bench.broadcasts.push(bench.served, "of one ");
  bench.serve("end, two ");
  bench.broadcasts.push(bench.served, "of two ");
  bench.serve("over");
  assert.equal(await bench.hears("over"), "one of one end, two of two over");
});

test("a second answer that enters while the first one's broadcasts wait comes after them", async (bench) => {
  bench.enter();
  while (!bench.isBlocked) bench.deliver(BULK);
  bench.deliver(" last of one,");
  bench.serve(" end, head of two,");
  bench.enter();
  bench.deliver(" first of two");
  assert.match(await bench.hears("of two"), /^b+ last of one, end, head of two, first of two$/);
});

test("an entry with fewer bytes than were read is a fault of ours", (bench) => {
  assert.throws(() => bench.relay.enterRing(2 ** 32 - 1), /fewer/);
  return Promise.resolve();
});

test("a peer that lets too much wait is cut off", (bench) => {
  bench.enter();
  for (let bytes = 0; bytes <= 3 * WATCH_QUEUE_BYTES_MAX; bytes += BULK.length) bench.deliver(BULK);
  assert.equal(bench.relay.state, "closed");
  return Promise.resolve();
});

test("broadcasts that arrived before the server closed are passed on, then the end", async (bench) => {
  bench.enter();
  while (!bench.isBlocked) bench.deliver(BULK);
  bench.deliver("last");
  bench.endServer();
  await bench.step();
  assert.match(await bench.hears("last"), /^b+last$/);
  assert.equal(await bench.hears("more"), "");
});

test("what is lent comes between what was written before and after, and is returned when it is sent", async (bench) => {
  const body = new TextEncoder().encode("body ");
  bench.serve("head ");
  bench.enter();
  bench.lend(7, body);
  bench.serve("end");
  assert.equal(await bench.hears("end"), "head body end");
  assert.deepEqual(bench.returned, [7]);
});

test("what is lent to a peer that takes nothing stays lent, and holds back what comes later", async (bench) => {
  bench.enter();
  bench.lend(1, SURPLUS);
  bench.lend(2, BULK);
  bench.deliver(" broadcast");
  bench.serve(" end");
  for (let step = 0; step < 50; step++) await bench.step();
  assert.deepEqual([bench.isBlocked, bench.returned], [true, []]);
  assert.match(await bench.hears("end"), /^b+ broadcast end$/);
  assert.deepEqual(bench.returned, [1, 2]);
});

test("what is lent is returned when the peer leaves, also what comes too late", (bench) => {
  bench.enter();
  bench.lend(1, BULK);
  bench.relay.close();
  bench.lend(2, BULK);
  assert.deepEqual(bench.returned, [1, 2]);
  return Promise.resolve();
});

test("what is lent when the server closes is passed on, then the end", async (bench) => {
  bench.enter();
  bench.lend(1, BULK);
  bench.lend(2, new TextEncoder().encode(" last"));
  bench.endServer();
  await bench.step();
  assert.match(await bench.hears("last"), /^b+ last$/);
  assert.deepEqual(bench.returned, [1, 2]);
});
