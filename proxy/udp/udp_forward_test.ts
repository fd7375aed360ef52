import assert from "node:assert/strict";
import type { Backend } from "../../core/traffic/backends.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { Backends, type LiveBackend } from "../backends/backends.ts";
import { Deadlines } from "../connections/deadlines.ts";
import { MemoryEngine } from "../engine/memory_engine_fixture.ts";
import type { OpenDatagrams, PeerAddress } from "../engine/engine.ts";
import {
  ANSWERED_MS,
  CLIENT_FLOWS_MAX,
  FLOWS_MAX,
  UdpForward,
  UNANSWERED_MS,
} from "./udp_forward.ts";

const AT = { address: "10.96.0.7", port: 53 };

/** A forwarder to servers that say who they are, and to whom. */
class Opened {
  readonly clock = new VirtualClock(0);
  readonly engine = new MemoryEngine(this.clock);
  readonly backends = new Backends(() => {});
  readonly servers = new Map<number, { seen: string[]; socket: OpenDatagrams }>();
  readonly forward: UdpForward;
  #live: LiveBackend | undefined;
  answers = true;

  constructor() {
    this.forward = new UdpForward({
      at: AT,
      backendFor: (client) => client.startsWith("203.") ? undefined : this.#live,
      engine: this.engine,
      deadlines: new Deadlines(this.clock),
    });
  }

  /** Makes these ports of the machine the endpoints. */
  use(...ports: number[]): void {
    const definition: Backend = {
      name: "b",
      state: "valid",
      endpoints: ports.map((port) => ({ address: "127.0.0.1", port, podUid: `${port}` })),
    };
    const { live, removed } = this.backends.build([definition]);
    this.#live = live[0];
    for (const endpoint of removed) this.backends.drain(endpoint);
    for (const port of ports) if (!this.servers.has(port)) this.#serve(port);
  }

  #serve(port: number): void {
    const seen: string[] = [];
    const socket = this.engine.bind({ address: "127.0.0.1", port }, (bytes, from) => {
      seen.push(new TextDecoder().decode(bytes));
      if (this.answers) socket.send(new TextEncoder().encode(`${port}`), from);
    });
    this.servers.set(port, { seen, socket });
  }

  client(address = "10.42.0.2", port = 0): Client {
    return new Client(this.engine, { address, port });
  }
}

class Client {
  readonly heard: string[] = [];
  readonly #socket: OpenDatagrams;

  constructor(engine: MemoryEngine, at: PeerAddress) {
    this.#socket = engine.bind(at, (bytes, from) => {
      assert.deepEqual(from, AT, "answers come from the address that was asked");
      this.heard.push(new TextDecoder().decode(bytes));
    });
  }

  async say(text: string): Promise<void> {
    this.#socket.send(new TextEncoder().encode(text), AT);
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }
}

Deno.test("what one port of a client sends goes to one endpoint, and the answers come back", async () => {
  const opened = new Opened();
  opened.use(1, 2);
  const [a, b] = [opened.client(), opened.client()];
  for (const text of ["x", "y", "z"]) {
    await a.say(text);
    await b.say(text);
  }
  assert.deepEqual([...new Set(a.heard)].length, 1);
  assert.deepEqual([...new Set([...a.heard, ...b.heard])].sort(), ["1", "2"]);
  assert.equal(a.heard.length, 3);
});

Deno.test("a flow whose endpoint has gone goes on with another one at once", async () => {
  const opened = new Opened();
  opened.use(1);
  const client = opened.client();
  await client.say("x");
  opened.use(2);
  await client.say("y");
  assert.deepEqual(client.heard, ["1", "2"]);
  assert.deepEqual(opened.servers.get(1)!.seen, ["x"]);
});

Deno.test("who is not let in, and whom nobody can answer, gets nothing", async () => {
  const opened = new Opened();
  opened.use();
  await opened.client().say("x");
  opened.use(1);
  await opened.client("203.0.113.1").say("x");
  assert.deepEqual([opened.servers.get(1)!.seen, opened.forward.flows], [[], 0]);
});

Deno.test("a flow ends when it has been silent, later when it was answered; nothing is left then", async () => {
  for (const answers of [true, false]) {
    const opened = new Opened();
    opened.answers = answers;
    opened.use(1);
    const client = opened.client();
    const silentMs = answers ? ANSWERED_MS : UNANSWERED_MS;
    await client.say("x");
    await opened.clock.advance(silentMs - 1_000);
    await client.say("y");
    await opened.clock.advance(silentMs - 1_000);
    assert.equal(opened.forward.flows, 1);
    await opened.clock.advance(2_000);
    assert.deepEqual([opened.forward.flows, opened.clock.pending], [0, 0]);
  }
});

Deno.test("answers of strangers do not come through", async () => {
  const opened = new Opened();
  opened.answers = false;
  opened.use(1);
  const client = opened.client();
  await client.say("x");
  const stranger = opened.engine.bind({ address: "127.0.0.1", port: 9 }, () => {});
  for (let port = 40_000; port < 40_010; port++) {
    stranger.send(new TextEncoder().encode("forged"), { address: "127.0.0.1", port });
  }
  await client.say("y");
  assert.deepEqual(client.heard, []);
});

Deno.test("who opens many flows loses his own, and nobody else's", async () => {
  const opened = new Opened();
  opened.use(1);
  const quiet = opened.client("10.42.0.3");
  await quiet.say("x");
  for (let i = 0; i < CLIENT_FLOWS_MAX + 10; i++) await opened.client("10.42.0.2").say("x");
  assert.equal(opened.forward.flows, CLIENT_FLOWS_MAX + 1);
  for (let client = 10; client < 15; client++) {
    for (let i = 0; i < CLIENT_FLOWS_MAX; i++) await opened.client(`10.42.0.${client}`).say("x");
  }
  assert.equal(opened.forward.flows, FLOWS_MAX);
  const { seen } = opened.servers.get(1)!;
  const before = seen.length;
  await quiet.say("still here");
  assert.equal(seen.length, before + 1);
});

Deno.test("nothing is open after it is closed", async () => {
  const opened = new Opened();
  opened.use(1);
  await opened.client().say("x");
  await opened.forward.close();
  assert.deepEqual([opened.forward.flows, opened.clock.pending], [0, 0]);
  await opened.engine.bind(AT, () => {}).close();
});
