import assert from "node:assert/strict";
import { namesOf, queryBytes, type ReadMessage, readMessage, zoneOf } from "../dns_fixture.ts";
import { RCODE, TYPE } from "../messages/codes.ts";
import type { Lookup, Question } from "../messages/lookup.ts";
import type { ServiceNames } from "../zone/service_names.ts";
import { Resolver } from "./resolver.ts";

const S = "default.svc.cluster.local";
const http = { name: "http", protocol: "tcp", port: 80 };
const endpoint = (ip: string, hostname?: string) => ({
  ip,
  ...(hostname && { hostname }),
  ports: [{ name: "pg", protocol: "tcp", port: 5432 }],
});
const SERVICES: ServiceNames[] = [
  namesOf("web", { clusterIPs: ["10.96.0.7", "fd00::7"], ports: [http] }),
  namesOf("four", { clusterIPs: ["10.96.0.4"] }),
  namesOf("db", { endpoints: [endpoint("10.42.0.5", "db-0"), endpoint("10.42.0.6", "db-1")] }),
  namesOf("raw", { endpoints: [endpoint("10.42.0.7")] }),
  namesOf("idle"),
  namesOf("near", { externalName: `web.${S}` }),
  namesOf("far", { externalName: "www.example.com." }),
  namesOf("ring", { externalName: `ring.${S}` }),
];

function ask(
  name: string,
  type: number = TYPE.A,
  { services = SERVICES, lookup, edns, isStream = false }: {
    services?: readonly ServiceNames[];
    lookup?: (question: Question) => Lookup | Promise<Lookup>;
    edns?: number;
    isStream?: boolean;
  } = {},
): ReadMessage {
  const forwarder = {
    lookup: lookup ?? (() => assert.fail("it was asked elsewhere")),
    notice: () => {},
  };
  const resolver = new Resolver(zoneOf(services), forwarder);
  const query = queryBytes(name, type, { ...(edns !== undefined && { edns }) });
  const answer = resolver.answer(query, { isStream });
  assert.ok(answer instanceof Uint8Array);
  return readMessage(answer);
}

for (
  const [name, type, answers] of [
    [`web.${S}`, TYPE.A, [`web.${S} A 10.96.0.7`]],
    [`WEB.${S}`, TYPE.A, [`web.${S} A 10.96.0.7`]],
    [`web.${S}`, TYPE.AAAA, [`web.${S} AAAA fd000000000000000000000000000007`]],
    [`_http._tcp.web.${S}`, TYPE.SRV, [`_http._tcp.web.${S} SRV 0 100 80 web.${S}`]],
    ["7.0.96.10.in-addr.arpa", TYPE.PTR, [`7.0.96.10.in-addr.arpa PTR web.${S}`]],
    [`db.${S}`, TYPE.A, [`db.${S} A 10.42.0.5`, `db.${S} A 10.42.0.6`]],
    [`db-1.db.${S}`, TYPE.A, [`db-1.db.${S} A 10.42.0.6`]],
    ["6.0.42.10.in-addr.arpa", TYPE.PTR, [`6.0.42.10.in-addr.arpa PTR db-1.db.${S}`]],
    [`_pg._tcp.db.${S}`, TYPE.SRV, [
      `_pg._tcp.db.${S} SRV 0 50 5432 db-0.db.${S}`,
      `_pg._tcp.db.${S} SRV 0 50 5432 db-1.db.${S}`,
    ]],
    [`10-42-0-7.raw.${S}`, TYPE.A, [`10-42-0-7.raw.${S} A 10.42.0.7`]],
    ["10-42-0-9.default.pod.cluster.local", TYPE.A, [
      "10-42-0-9.default.pod.cluster.local A 10.42.0.9",
    ]],
    [`near.${S}`, TYPE.A, [`near.${S} CNAME web.${S}`, `web.${S} A 10.96.0.7`]],
    [`far.${S}`, TYPE.CNAME, [`far.${S} CNAME www.example.com`]],
    ["dns-version.cluster.local", TYPE.TXT, ["dns-version.cluster.local TXT 1.1.0"]],
    ["cluster.local", TYPE.NS, ["cluster.local NS ns.dns.cluster.local"]],
    ["ns.dns.cluster.local", TYPE.A, ["ns.dns.cluster.local A 10.96.0.10"]],
    [`web.${S}`, TYPE.ANY, [`web.${S} A 10.96.0.7`]],
  ] as const
) {
  Deno.test(`the cluster's own: ${name} ${type}`, () => {
    const { code, isAuthoritative, answers: given } = ask(name, type);
    assert.deepEqual({ code, isAuthoritative, given }, {
      code: RCODE.noError,
      isAuthoritative: true,
      given: [...answers],
    });
  });
}

for (
  const [name, type, code] of [
    [`four.${S}`, TYPE.AAAA, RCODE.noError], // else musl gives up
    [S, TYPE.A, RCODE.noError],
    [`_tcp.web.${S}`, TYPE.A, RCODE.noError],
    ["svc.cluster.local", TYPE.A, RCODE.noError],
    ["default.pod.cluster.local", TYPE.A, RCODE.noError],
    [`ring.${S}`, TYPE.A, RCODE.noError],
    [`nothing.${S}`, TYPE.A, RCODE.nameError],
    [`idle.${S}`, TYPE.A, RCODE.nameError],
    ["web.other.svc.cluster.local", TYPE.A, RCODE.nameError],
    ["10-42-0-9.other.pod.cluster.local", TYPE.A, RCODE.nameError],
    ["10-42-0-300.default.pod.cluster.local", TYPE.A, RCODE.nameError],
    ["8.0.96.10.in-addr.arpa", TYPE.PTR, RCODE.nameError],
  ] as const
) {
  Deno.test(`what is not there: ${name} ${type}`, () => {
    const answer = ask(name, type);
    assert.equal(answer.code, code);
    assert.ok(answer.answers.every((text) => text.includes("CNAME")));
    assert.equal(answer.authority.length, 1);
    const [owner] = answer.authority[0]!.split(" ");
    assert.ok(name.endsWith(owner!));
  });
}

Deno.test("a name without a dot is not asked elsewhere", () => {
  assert.equal(ask("web").code, RCODE.nameError);
});

Deno.test("addresses of the targets come with SRV records", () => {
  const { additional } = ask(`_pg._tcp.db.${S}`, TYPE.SRV);
  assert.deepEqual(additional, [`db-0.db.${S} A 10.42.0.5`, `db-1.db.${S} A 10.42.0.6`]);
});

Deno.test("clients share the addresses: another one comes first each time", () => {
  const resolver = new Resolver(zoneOf(SERVICES), {
    lookup: () => assert.fail(),
    notice: () => {},
  });
  const first = () => {
    const bytes = resolver.answer(queryBytes(`db.${S}`, TYPE.A), { isStream: false });
    return readMessage(bytes as Uint8Array).answers[0];
  };
  assert.notEqual(first(), first());
});

Deno.test("what does not fit is cut off and said so; nothing is by TCP", () => {
  const endpoints = Array.from({ length: 200 }, (_, i) => endpoint(`10.42.1.${i}`));
  const services = [namesOf("big", { endpoints })];
  const plain = ask(`big.${S}`, TYPE.A, { services });
  assert.ok(plain.isTruncated && plain.bytes <= 512 && plain.answers.length === 29);
  const more = ask(`big.${S}`, TYPE.A, { services, edns: 4096 });
  assert.ok(more.isTruncated && more.bytes <= 1232 && more.answers.length > 60);
  const all = ask(`big.${S}`, TYPE.A, { services, isStream: true });
  assert.ok(!all.isTruncated);
  assert.equal(all.answers.length, 200);
});

Deno.test("a name elsewhere is followed there, since resolvers do not", async () => {
  const asked: Question[] = [];
  const data = Uint8Array.of(192, 0, 2, 1);
  const found = {
    code: 0,
    answers: [{ owner: "www.example.com", type: TYPE.A, ttl: 9, data }],
  };
  const now = ask(`far.${S}`, TYPE.A, {
    lookup(question) {
      asked.push(question);
      return found;
    },
  });
  const expected = [`far.${S} CNAME www.example.com`, "www.example.com A 192.0.2.1"];
  assert.deepEqual(now.answers, expected);
  assert.deepEqual(asked, [{ name: "www.example.com", type: TYPE.A }]);
  const resolver = new Resolver(zoneOf(SERVICES), {
    lookup: () => Promise.resolve(found),
    notice: () => {},
  });
  const message = queryBytes(`far.${S}`, TYPE.A);
  const later = resolver.answer(message, { isStream: false });
  message.fill(0); // the buffer is used again by then
  assert.deepEqual(readMessage((await later)!).answers, expected);
});

Deno.test("ANY is no way to make a long answer of a short question", () => {
  assert.equal(ask("example.com", TYPE.ANY).code, RCODE.notImplemented);
});

Deno.test("the question is repeated as it was spelled, for those who check its letters", () => {
  const message = queryBytes(`web.${S}`, TYPE.A);
  message[13] = 0x57;
  const forwarder = { lookup: () => assert.fail(), notice: () => {} };
  const answer = new Resolver(zoneOf(SERVICES), forwarder).answer(message, { isStream: false });
  assert.equal((answer as Uint8Array)[13], 0x57);
});
