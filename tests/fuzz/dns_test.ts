import assert from "node:assert/strict";
import fc from "fast-check";
import {
  answerBytes,
  namesOf,
  queryBytes,
  readMessage,
  zoneOf,
} from "../../agent/dns/dns_fixture.ts";
import { Resolver } from "../../agent/dns/answers/resolver.ts";
import { isAnswerTo, readLookup } from "../../agent/dns/messages/lookup.ts";
import { nameBytes, readName } from "../../agent/dns/messages/names.ts";
import { property } from "./property.ts";

const WEB = "web.default.svc.cluster.local";
const endpoints = Array.from({ length: 60 }, (_, i) => ({
  ip: `10.42.0.${i}`,
  hostname: `db-${i}`,
  ports: [{ name: "pg", protocol: "tcp", port: 5432 }],
}));
const zone = zoneOf([
  namesOf("web", {
    clusterIPs: ["10.96.0.7"],
    ports: [{ name: "http", protocol: "tcp", port: 80 }],
  }),
  namesOf("db", { endpoints }),
  namesOf("near", { externalName: WEB }),
  namesOf("far", { externalName: "www.example.com" }),
]);
const address = { type: 1, ttl: 9, data: Uint8Array.of(192, 0, 2, 1) };
const resolver = new Resolver(zone, {
  lookup: ({ name }) => ({ code: 0, answers: [{ owner: name, ...address }] }),
  notice: () => {},
});

const known = fc.constantFrom(
  WEB,
  "db.default.svc.cluster.local",
  "_pg._tcp.db.default.svc.cluster.local",
  "near.default.svc.cluster.local",
  "far.default.svc.cluster.local",
  "7.0.96.10.in-addr.arpa",
  "10-42-0-1.default.pod.cluster.local",
  "www.example.com",
  "single",
);
const type = fc.constantFrom(1, 2, 5, 6, 12, 16, 28, 33, 41, 251, 252, 255, 65_535);
const edns = fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined });
const question = fc.tuple(known, type, edns).map(([name, type, edns]) =>
  queryBytes(name, type, edns === undefined ? {} : { edns })
);
const edit = fc.tuple(fc.nat(200), fc.nat(255));
/** A message with some bytes changed, perhaps cut off or longer. */
const damaged = (message: fc.Arbitrary<Uint8Array>) =>
  fc.tuple(
    message,
    fc.array(edit, { maxLength: 6 }),
    fc.option(fc.nat(100)),
    fc.uint8Array({ maxLength: 20 }),
  )
    .map(([message, edits, cut, more]) => {
      const bytes = Uint8Array.from([...message, ...more]);
      for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte;
      return cut === null ? bytes : bytes.subarray(0, cut);
    });
const anything = fc.oneof(
  { weight: 3, arbitrary: damaged(question) },
  { weight: 1, arbitrary: question },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }) },
);

property(
  "whatever comes to the DNS server is answered by a whole message within its bounds, or by none",
  {
    share: 8_000,
    of: fc.tuple(anything, fc.boolean()),
    holds([message, isStream]) {
      const answer = resolver.answer(message, { isStream });
      if (answer === undefined) return;
      assert.ok(answer instanceof Uint8Array);
      const read = readMessage(answer);
      assert.equal(read.id, message[0]! << 8 | message[1]!);
      assert.ok(answer[2]! & 0x80);
      if (!isStream) assert.ok(read.bytes <= 1_232);
      const takesMore = answer[11] === 1 || answer[10] !== 0;
      if (!isStream && !takesMore && read.additional.length === 0) assert.ok(read.bytes <= 512);
    },
  },
);

const WWW = { name: "www.example.com", type: 1 };
const honest = answerBytes(queryBytes(WWW.name, WWW.type), {
  answers: [
    { owner: WWW.name, type: 5, ttl: 9, data: nameBytes("a.example.com")! },
    { owner: "a.example.com", ...address },
  ],
  authority: [{
    owner: "example.com",
    type: 6,
    ttl: 9,
    data: Uint8Array.from([...nameBytes("ns")!, ...nameBytes("m")!, ...new Uint8Array(20)]),
  }],
});

property("whatever another server answers says something about the question, or nothing", {
  share: 8_000,
  of: fc.oneof(damaged(fc.constant(honest)), fc.uint8Array({ maxLength: 300 })),
  holds(message) {
    if (!isAnswerTo(message, WWW, 7)) return;
    const found = readLookup(message, WWW);
    if (found === undefined) return;
    let owner = WWW.name;
    for (const record of found.answers) {
      assert.equal(record.owner, owner);
      if (record.type === 5) owner = readName(record.data, 0)!.name;
      else assert.equal(record.type, WWW.type);
    }
  },
});
