import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import type {
  ClientOwner,
  ClientSocket,
  ConnectFailure,
  Engine,
  OpenListener,
  Socket,
  UpstreamOwner,
} from "./engine.ts";

const ADDRESS = "127.0.0.1";
/** Longer than this nothing takes on one machine. */
const PATIENCE_MS = 20_000;
/** Whatever can move has moved after this long. */
const STUCK_MS = 500;
/** Far more than a kernel keeps of what nobody reads. */
const FLOOD_BYTES = 64 * 1024 * 1024;

/** Tells what an engine does, to be passed by each. The network that it reaches is `127.0.0.1`. */
export function testEngine(name: string, engineOf: () => Engine): void {
  const test = (what: string, act: (engine: Engine) => Promise<void>) =>
    Deno.test(`${name}: ${what}`, () => act(engineOf()));

  test("what is sent before a connection is there goes out first, and both sides hear it whole", async (engine) => {
    await withPair(engine, async ({ client, server }) => {
      client.say("hello ");
      client.say("there");
      await server.hears("first, hello there");
      server.say("yes");
      await client.hears("yes");
    }, { whileConnecting: (client) => client.say("first, ") });
  });

  test("an accepted connection knows who has made it, what was dialled, and that it is plain", async (engine) => {
    await withPair(engine, ({ server, port }) => {
      const socket = server.socket as ClientSocket;
      assert.equal(socket.clientAddress, ADDRESS);
      assert.equal(socket.localAddress, ADDRESS);
      assert.equal(socket.localPort, port);
      assert.equal(socket.isEncrypted, false);
      return Promise.resolve();
    });
  });

  test("a datagram comes whole, and its answer goes back to who has sent it", async (engine) => {
    if (engine.bind === undefined) return;
    const heard: string[] = [];
    const server = engine.bind({ address: ADDRESS, port: 0 }, (bytes, from) => {
      heard.push(new TextDecoder().decode(bytes));
      server.send(new TextEncoder().encode(`to ${from.port}`), from);
    });
    const answered = Promise.withResolvers<string>();
    const client = engine.bind({ address: "0.0.0.0", port: 0 }, (bytes, from) => {
      assert.deepEqual(from, { address: ADDRESS, port: server.port });
      answered.resolve(new TextDecoder().decode(bytes));
    });
    assert.throws(
      () => engine.bind!({ address: ADDRESS, port: server.port }, () => {}),
      /^Error: the port is in use$/,
    );
    client.send(new TextEncoder().encode("hello"), { address: ADDRESS, port: server.port });
    assert.equal(await answered.promise, `to ${client.port}`);
    assert.deepEqual(heard, ["hello"]);
    await Promise.all([client.close(), server.close(), server.close()]);
    await engine.bind({ address: ADDRESS, port: server.port }, () => {}).close();
  });

  test("nobody listens: the connection is refused, and nothing else is heard of it", async (engine) => {
    const listener = engine.listen({ address: ADDRESS, port: 0, isShared: false }, () => undefined);
    await listener.close();
    const client = connected(engine, listener.port);
    await client.until(() => client.events.length > 0);
    assert.deepEqual(client.events, ["refused"]);
  });

  test("a port is whose it is until it is closed; connections outlast it", async (engine) => {
    await withPair(engine, async ({ client, server, listener, port }) => {
      const again = { address: ADDRESS, port, isShared: false };
      assert.throws(() => engine.listen(again, () => undefined), /^Error: the port is in use$/);
      await listener.close();
      client.say("still here");
      await server.hears("still here");
      await engine.listen(again, () => undefined).close();
    });
  });

  test("who gets no owner is closed at once", async (engine) => {
    const listener = engine.listen({ address: ADDRESS, port: 0, isShared: false }, () => undefined);
    const client = connected(engine, listener.port);
    await client.until(() => client.ends.length > 0);
    client.socket.close();
    await listener.close();
  });

  test("each side has an end of its own", async (engine) => {
    await withPair(engine, async ({ client, server }) => {
      client.say("question");
      client.socket.endSending();
      await server.until(() => server.ends.length > 0);
      assert.deepEqual([server.heard, server.ends], ["question", ["ended"]]);
      server.say("answer");
      server.socket.endSending();
      await client.until(() => client.ends.length > 0);
      assert.deepEqual([client.heard, client.ends], ["answer", ["ended"]]);
    });
  });

  test("who closes hears nothing more, and closing twice or sending then does nothing", async (engine) => {
    await withPair(engine, async ({ client, server }) => {
      server.say("last words");
      server.socket.close();
      server.socket.close();
      server.say("never");
      await client.until(() => client.ends.length > 0);
      client.say("into the void");
      assert.equal(client.heard, "last words");
      assert.deepEqual(server.ends, []);
    });
  });

  test("after the other side's end, what finds no way out breaks the connection", async (engine) => {
    await withPair(engine, async ({ client, server }) => {
      server.socket.close();
      await client.until(() => client.ends.length > 0);
      await client.until(() => {
        client.say("anyone?");
        return client.ends.length > 1;
      });
      assert.deepEqual(client.ends, ["ended", "broken"]);
    });
  });

  test("who pauses hears nothing until it resumes, also from the start", async (engine) => {
    await withPair(engine, async ({ client, server }) => {
      client.say("one");
      await new SystemClock().sleep(20);
      assert.equal(server.heard, "");
      server.socket.resume();
      await server.hears("one");
      server.pausesAfterData = true;
      client.say("two");
      await server.hears("onetwo");
      client.say("three");
      await new SystemClock().sleep(20);
      assert.equal(server.heard, "onetwo");
      server.socket.resume();
      await server.hears("onetwothree");
    }, { whileAccepting: (server) => server.socket.pause() });
  });

  test("what is passed on to a side that does not read is read no further", async (engine) => {
    await withPair(engine, async ({ client: reader, server: back }) => {
      reader.socket.pause();
      await withPair(engine, async ({ client: writer, server: front }) => {
        front.passesTo = back;
        back.onDrained = () => front.socket.resume();
        const chunk = new Uint8Array(64 * 1024);
        let sent = 0;
        for (let isStuck = false; sent < FLOOD_BYTES && !isStuck; sent += chunk.length) {
          const isFull = !writer.socket.send(chunk, 0, chunk.length);
          isStuck = isFull ? !await writer.isDrained() : !await writer.isOut();
        }
        assert.ok(sent < FLOOD_BYTES, `${sent} bytes went to a side that does not read`);
        reader.socket.resume();
        await reader.until(() => reader.heardBytes >= sent);
      });
    });
  });

  test("timers are those of its clock", async (engine) => {
    const start = engine.clock.elapsed();
    await new Promise<void>((resolve) => engine.clock.after(5, resolve));
    assert.ok(engine.clock.elapsed() - start >= 4);
  });
}

interface Pair {
  client: Side;
  server: Side;
  listener: OpenListener;
  port: number;
}

/** A connection with both of its sides, which are closed in the end. */
async function withPair(
  engine: Engine,
  act: (pair: Pair) => Promise<void>,
  { whileConnecting, whileAccepting }: {
    whileConnecting?: (client: Side) => void;
    whileAccepting?: (server: Side) => void;
  } = {},
): Promise<void> {
  const server = new Side();
  const listener = engine.listen({ address: ADDRESS, port: 0, isShared: false }, (socket) => {
    server.socket = socket;
    whileAccepting?.(server);
    return server;
  });
  const client = connected(engine, listener.port);
  whileConnecting?.(client);
  try {
    await client.until(() => client.events.includes("connected") && server.socket !== undefined);
    await act({ client, server, listener, port: listener.port });
  } finally {
    client.socket.close();
    server.socket?.close();
    await listener.close();
  }
}

function connected(engine: Engine, port: number): Side {
  const side = new Side();
  side.socket = engine.connect({ address: ADDRESS, port }, side);
  return side;
}

/** An owner that notes what it is told. */
class Side implements ClientOwner, UpstreamOwner {
  socket!: Socket;
  heard = "";
  heardBytes = 0;
  readonly ends: ("ended" | "broken")[] = [];
  readonly events: ("connected" | ConnectFailure)[] = [];
  pausesAfterData = false;
  /** Gets what comes here. */
  passesTo: Side | undefined;
  onDrained: () => void = () => {};

  say(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.socket.send(bytes, 0, bytes.length);
  }

  hears(text: string): Promise<void> {
    return this.until(() => this.heard === text, () => `heard "${this.heard}", not "${text}"`);
  }

  async until(isDone: () => boolean, problem = () => "it did not come"): Promise<void> {
    const clock = new SystemClock(), startMs = clock.elapsed();
    while (!isDone()) {
      assert.ok(clock.elapsed() - startMs < PATIENCE_MS, problem());
      await clock.sleep(1);
    }
  }

  /** Whether all that was sent gets out. */
  async isOut(): Promise<boolean> {
    const clock = new SystemClock(), startMs = clock.elapsed();
    while (this.socket.isSending() && clock.elapsed() - startMs < STUCK_MS) await clock.sleep(1);
    return !this.socket.isSending();
  }

  isDrained(): Promise<boolean> {
    return Promise.race([
      new Promise<boolean>((resolve) => this.onDrained = () => resolve(true)),
      new SystemClock().sleep(STUCK_MS).then(() => false),
    ]);
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    this.heardBytes += end - start;
    if (this.passesTo) {
      if (!this.passesTo.socket.send(bytes, start, end)) this.socket.pause();
    } else if (this.heardBytes < 1000) {
      this.heard += new TextDecoder().decode(bytes.subarray(start, end));
    }
    if (this.pausesAfterData) this.socket.pause();
  }

  onClose(how: "ended" | "broken"): void {
    this.ends.push(how);
  }
  onDrain(): void {
    this.onDrained();
  }
  peer(): Socket | undefined {
    return this.passesTo?.socket;
  }
  isBetweenRequests(): boolean {
    return false;
  }
  onConnected(): void {
    this.events.push("connected");
  }
  onConnectFailed(failure: ConnectFailure): void {
    this.events.push(failure);
  }
  onSent(): void {}
}
