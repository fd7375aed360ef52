import assert from "node:assert/strict";
import { VirtualClock } from "../../../core/lib/virtual_clock.ts";
import { answerBytes } from "../dns_fixture.ts";
import { RCODE, TYPE } from "../messages/codes.ts";
import type { Lookup, OwnedRecord } from "../messages/lookup.ts";
import { nameBytes } from "../messages/names.ts";
import { readQuery, wordAt } from "../messages/query.ts";
import { Forwarder, type Route, type Transport } from "./forwarder.ts";

type Answer = (question: Uint8Array, server: string) => Uint8Array | undefined;

const MAIN: Route = { domain: "", servers: [{ address: "192.0.2.1", port: 53 }] };
const WWW = { name: "www.example.com", type: TYPE.A };

function a(owner: string, last: number, ttl = 20): OwnedRecord {
  return { owner, type: TYPE.A, ttl, data: Uint8Array.of(192, 0, 2, last) };
}

/** Servers that answer by a rule, 10 ms later; when they are silent the time runs out. */
class FakeTransport implements Transport {
  readonly asked: string[] = [];
  answer: Answer;
  stream: Answer = () => undefined;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, answer: Answer) {
    this.#clock = clock;
    this.answer = answer;
  }

  async byDatagram(
    server: { address: string },
    question: Uint8Array,
    accepts: (message: Uint8Array) => boolean,
    timeoutMs: number,
  ): Promise<Uint8Array | undefined> {
    const received = readQuery(question);
    assert.ok(received && "query" in received);
    const { name } = received.query;
    if (!name.endsWith(".loop.invalid")) this.asked.push(`${server.address} ${name}`);
    const answer = this.answer(question, server.address);
    const isFor = answer !== undefined && accepts(answer);
    await this.#clock.sleep(isFor ? 10 : timeoutMs);
    return isFor ? answer : undefined;
  }

  async byStream(server: { address: string }, question: Uint8Array) {
    this.asked.push(`${server.address} by TCP`);
    return await Promise.resolve(this.stream(question, server.address));
  }
}

function opened(answer: Answer, routes: readonly Route[] = [MAIN]) {
  const clock = new VirtualClock(0);
  const transport = new FakeTransport(clock, answer);
  let id = 0, loops = 0;
  const forwarder = new Forwarder({
    transport,
    clock,
    routes: () => routes,
    randomId: () => ++id,
    onLoop: () => loops++,
  });
  const find = async (question = WWW): Promise<Lookup> => {
    const found = forwarder.lookup(question);
    if (found instanceof Promise) await clock.advance(10_000);
    return await found;
  };
  return { clock, transport, forwarder, find, loops: () => loops };
}

function isFor(question: Uint8Array, name: string): boolean {
  const received = readQuery(question);
  return received !== undefined && "query" in received && received.query.name === name;
}

const addressesIn = ({ answers }: Lookup) => answers.map(({ data }) => data.at(-1));

Deno.test("an answer is kept while it is fresh, and its time runs", async () => {
  const { clock, transport, find } = opened((question) =>
    answerBytes(question, { answers: [a(WWW.name, 1)] })
  );
  assert.deepEqual(addressesIn(await find()), [1]);
  await clock.advance(5_000);
  const kept = await find();
  assert.equal(transport.asked.length, 1);
  assert.ok(kept.answers[0]!.ttl < 20 && kept.answers[0]!.ttl > 0);
  await clock.advance(20_000);
  await find();
  assert.equal(transport.asked.length, 2);
});

Deno.test("an answer counts as fresh for 30 seconds at most", async () => {
  const { clock, transport, find } = opened((question) =>
    answerBytes(question, { answers: [a(WWW.name, 1, 0xffff)] })
  );
  assert.equal((await find()).answers[0]!.ttl, 30);
  await clock.advance(31_000);
  await find();
  assert.equal(transport.asked.length, 2);
});

Deno.test("equal questions that come at once are asked once", async () => {
  const { clock, transport, forwarder } = opened((question) =>
    answerBytes(question, { answers: [a(WWW.name, 1)] })
  );
  const all = [1, 2, 3].map(() => forwarder.lookup(WWW));
  await clock.advance(100);
  for (const one of all) assert.deepEqual(addressesIn(await one), [1]);
  assert.equal(transport.asked.length, 1);
});

Deno.test("when nobody answers, an older answer is told, and the next does not wait", async () => {
  const { clock, transport, find, forwarder } = opened((question) =>
    answerBytes(question, { answers: [a(WWW.name, 1)] })
  );
  await find();
  transport.answer = () => undefined;
  await clock.advance(60_000);
  const waited = forwarder.lookup(WWW);
  assert.ok(waited instanceof Promise);
  await clock.advance(3_000);
  const stale = await waited;
  assert.deepEqual([addressesIn(stale), stale.answers[0]!.ttl], [[1], 30]);
  const atOnce = forwarder.lookup(WWW);
  assert.ok(!(atOnce instanceof Promise));
  assert.deepEqual(addressesIn(atOnce), [1]);
  const unknown = forwarder.lookup({ name: "new.example.com", type: TYPE.A });
  assert.ok(!(unknown instanceof Promise));
  assert.equal(unknown.code, RCODE.serverFailure);
  await clock.advance(2_000);
  transport.answer = (question) => answerBytes(question, { answers: [a(WWW.name, 2)] });
  assert.deepEqual(addressesIn(await find()), [2]);
});

Deno.test("one name that nobody answers for does not stop others from being asked", async () => {
  const { clock, forwarder } = opened((question) =>
    wordAt(question, 12) === wordAt(nameBytes("slow.example.com")!, 0)
      ? undefined
      : answerBytes(question, { answers: [a(WWW.name, 1)] })
  );
  const slow = forwarder.lookup({ name: "slow.example.com", type: TYPE.A });
  await clock.advance(1_000);
  const good = forwarder.lookup(WWW);
  await clock.advance(2_500);
  assert.equal((await slow).code, RCODE.serverFailure);
  assert.deepEqual(addressesIn(await good), [1]);
  assert.ok(forwarder.lookup({ name: "other.example.com", type: TYPE.A }) instanceof Promise);
});

Deno.test("what others say about names that nobody asked for is not believed", async () => {
  const { find } = opened((question) =>
    answerBytes(question, {
      answers: [a("bank.example.org", 66), a(WWW.name, 1), a("www.example.com.evil", 66)],
    })
  );
  assert.deepEqual(addressesIn(await find()), [1]);
});

for (
  const [what, forge] of [
    ["of another id", (answer: Uint8Array) => answer[1]! ^= 1],
    ["to another question", (answer: Uint8Array) => answer[13]! ^= 1],
    ["of another type", (answer: Uint8Array) => answer[12 + WWW.name.length + 3] = TYPE.AAAA],
    ["that is a question", (answer: Uint8Array) => answer[2]! &= 0x7f],
    ["with a record that is cut off", (answer: Uint8Array) => answer[7] = 2],
  ] as const
) {
  Deno.test(`an answer ${what} is none`, async () => {
    const { find } = opened((question) => {
      const answer = answerBytes(question, { answers: [a(WWW.name, 66)] });
      forge(answer);
      return answer;
    });
    assert.equal((await find()).code, RCODE.serverFailure);
  });
}

Deno.test("CNAMEs are followed within the answer, and never in a circle", async () => {
  const alias = (owner: string, target: string) => ({
    owner,
    type: TYPE.CNAME,
    ttl: 9,
    data: nameBytes(target)!,
  });
  const answers = [
    alias("b.example", "c.example"),
    a("c.example", 3),
    alias(WWW.name, "b.example"),
  ];
  const { find } = opened((question) => answerBytes(question, { answers }));
  assert.deepEqual((await find()).answers.map(({ owner }) => owner), [
    WWW.name,
    "b.example",
    "c.example",
  ]);
  const ring = [alias(WWW.name, "b.example"), alias("b.example", WWW.name)];
  const circle = opened((question) => answerBytes(question, { answers: ring }));
  assert.equal((await circle.find()).answers.length, 2);
});

Deno.test("a cut-off answer is asked for again by TCP", async () => {
  const { transport, find } = opened((question) =>
    answerBytes(question, { isTruncated: isFor(question, WWW.name) })
  );
  transport.stream = (question) => answerBytes(question, { answers: [a(WWW.name, 9)] });
  assert.deepEqual(addressesIn(await find()), [9]);
  assert.deepEqual(transport.asked, [`192.0.2.1 ${WWW.name}`, "192.0.2.1 by TCP"]);
});

Deno.test("the next server is asked when one refuses, fails or is silent", async () => {
  const servers = [1, 2, 3, 4].map((last) => ({ address: `192.0.2.${last}`, port: 53 }));
  const { transport, find } = opened((question, server) => {
    if (server.endsWith(".1")) return answerBytes(question, { code: RCODE.serverFailure });
    if (server.endsWith(".2")) return answerBytes(question, { code: RCODE.refused });
    return server.endsWith(".3") ? undefined : answerBytes(question, { answers: [a(WWW.name, 4)] });
  }, [{ domain: "", servers }]);
  assert.deepEqual(addressesIn(await find()), [4]);
  assert.equal(transport.asked.length, 4);
});

Deno.test("a negative answer is kept as long as its SOA says", async () => {
  const data = new Uint8Array([
    ...nameBytes("ns.example")!,
    ...nameBytes("h.example")!,
    ...new Uint8Array(19),
    7,
  ]);
  const start = { owner: "example.com", type: TYPE.SOA, ttl: 100, data };
  const { clock, transport, find } = opened((question) =>
    answerBytes(question, { code: RCODE.nameError, authority: [start] })
  );
  const found = await find();
  assert.deepEqual([found.code, found.start?.owner], [RCODE.nameError, "example.com"]);
  await clock.advance(0);
  await find();
  assert.equal(transport.asked.length, 2, "ten seconds have passed");
  const before = transport.asked.length;
  await find();
  assert.equal(transport.asked.length, before + 1);
});

Deno.test("the servers of the most specific domain are asked", async () => {
  const route = (domain: string, last: number) => ({
    domain,
    servers: [{ address: `192.0.2.${last}`, port: 53 }],
  });
  const { transport, find } = opened(
    (question) => answerBytes(question, { answers: [] }),
    [MAIN, route("example.com", 2), route("in.example.com", 3), { domain: "x.com", servers: [] }],
  );
  for (const name of ["a.example.com", "a.in.example.com", "example.com", "b.com", "a.x.com"]) {
    await find({ name, type: TYPE.A });
  }
  assert.deepEqual(transport.asked.map((text) => text.split(" ")[0]), [
    ...["192.0.2.2", "192.0.2.3", "192.0.2.2", "192.0.2.1", "192.0.2.1"],
  ]);
});

Deno.test("a server that sends questions back is no longer asked", async () => {
  const opening = opened((question) => {
    const received = readQuery(question);
    if (received && "query" in received) opening.forwarder.notice(received.query.name);
    return undefined;
  });
  await opening.find();
  assert.equal(opening.loops(), 1);
  assert.ok(!(opening.forwarder.lookup({ name: "a.b", type: TYPE.A }) instanceof Promise));
  await opening.clock.advance(31_000);
  assert.ok(opening.forwarder.lookup({ name: "a.b", type: TYPE.A }) instanceof Promise);
});

Deno.test("no more than 256 questions are asked at once", () => {
  const { forwarder } = opened(() => undefined);
  const found = Array.from(
    { length: 257 },
    (_, i) => forwarder.lookup({ name: `n${i}.example.com`, type: TYPE.A }),
  );
  assert.ok(found[255] instanceof Promise);
  assert.ok(!(found[256] instanceof Promise));
});
