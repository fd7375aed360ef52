import assert from "node:assert/strict";
import { SystemClock } from "../../../core/lib/clock.ts";
import { namesOf, queryBytes, readMessage } from "../dns_fixture.ts";
import { TYPE } from "../messages/codes.ts";
import { DenoTransport } from "../sockets/deno_transport.ts";
import { DnsService } from "./dns_service.ts";
import type { FromDns } from "./messages.ts";

const WEB = "web.default.svc.cluster.local";
const HOST = "127.0.0.1";

/** A UDP socket at a free port, closed at the end of the scope. */
function openSocket(): Deno.DatagramConn & Disposable {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
  return Object.assign(socket, { [Symbol.dispose]: () => socket.close() });
}

/** Calls `use` with the port of a service that knows one name. `resolvConf`: the text of that file. */
async function withService(
  use: (port: number, service: DnsService, told: FromDns[]) => Promise<void>,
  resolvConf = "",
): Promise<void> {
  const clock = new SystemClock();
  const told: FromDns[] = [];
  const service = new DnsService({
    settings: { domain: "cluster.local", address: HOST, port: 0, ranges: [], resolvConf: "file" },
    clock,
    transport: new DenoTransport(clock),
    read: () => resolvConf,
    randomId: () => crypto.getRandomValues(new Uint16Array(1))[0]!,
    tell: (message) => told.push(message),
  });
  const endpoints = Array.from({ length: 100 }, (_, i) => ({ ip: `10.42.1.${i}`, ports: [] }));
  service.change({
    namespaces: [["default", true]],
    services: [
      ["default/web", namesOf("web", { clusterIPs: ["10.96.0.7"] })],
      ["default/big", namesOf("big", { endpoints })],
    ],
  });
  await service.listen();
  // A free port for datagrams may be taken for connections: then the next one is tried.
  told.splice(0, told.findIndex(({ type }) => type === "listening"));
  const [listening] = told;
  assert.ok(listening?.type === "listening");
  try {
    await use(listening.port, service, told);
  } finally {
    await service.stop();
  }
}

async function byDatagram(port: number, ...messages: Uint8Array[]): Promise<Uint8Array[]> {
  using socket = openSocket();
  for (const each of messages) await socket.send(each, { transport: "udp", hostname: HOST, port });
  const answers = [];
  for (const _ of messages) answers.push((await socket.receive())[0].slice());
  return answers;
}

Deno.test("questions by UDP are answered, 200 that come at once too", async () => {
  await withService(async (port) => {
    const questions = Array.from({ length: 200 }, (_, id) => queryBytes(WEB, TYPE.A, { id }));
    const answers = (await byDatagram(port, ...questions)).map(readMessage);
    assert.deepEqual(answers.map(({ id }) => id).sort((a, b) => a - b), questions.map((_, i) => i));
    for (const each of answers) assert.deepEqual(each.answers, [`${WEB} A 10.96.0.7`]);
  });
});

Deno.test("questions by TCP are answered, several on a connection and in pieces", async () => {
  await withService(async (port) => {
    using connection = await Deno.connect({ hostname: HOST, port });
    const names = [WEB, "big.default.svc.cluster.local"];
    const framed = names.flatMap((name) => {
      const query = queryBytes(name, TYPE.A);
      return [query.length >> 8, query.length & 0xff, ...query];
    });
    for (const byte of framed) await connection.write(Uint8Array.of(byte));
    const reader = connection.readable.getReader();
    let bytes: number[] = [];
    const messages = [];
    while (messages.length < 2) {
      const length = bytes[0]! << 8 | bytes[1]!;
      if (bytes.length >= 2 && bytes.length >= length + 2) {
        messages.push(readMessage(Uint8Array.from(bytes.slice(2, length + 2))));
        bytes = bytes.slice(length + 2);
        continue;
      }
      const { value } = await reader.read();
      bytes.push(...value!);
    }
    assert.deepEqual(messages.map(({ answers }) => answers.length), [1, 100]);
    await reader.cancel();
  });
});

Deno.test("what is no question does not harm those that come after it", async () => {
  await withService(async (port) => {
    using socket = openSocket();
    const to = { transport: "udp" as const, hostname: HOST, port };
    for (let length = 0; length < 64; length++) {
      await socket.send(crypto.getRandomValues(new Uint8Array(length)).fill(0xff, 2, 3), to); // answers, all of them
    }
    await socket.send(queryBytes(WEB, TYPE.A), to);
    const [answer] = await socket.receive();
    assert.equal(readMessage(answer).answers.length, 1);
    using connection = await Deno.connect({ hostname: HOST, port });
    await connection.write(Uint8Array.of(0xff, 0xff, 1));
    assert.equal(await connection.read(new Uint8Array(1)), null);
  });
});

Deno.test("names that are not the cluster's are asked elsewhere, each from another port", async () => {
  const ports = new Set<number>();
  const upstream = openSocket();
  const serve = async () => {
    for await (const [message, from] of upstream) {
      ports.add((from as Deno.NetAddr).port);
      const answer = message.slice(0, message.length - 11);
      answer[2]! |= 0x80;
      answer[11] = 0;
      await upstream.send(answer, from);
    }
  };
  const serving = serve();
  const upstreamPort = (upstream.addr as Deno.NetAddr).port;
  await withService(async (port, service) => {
    const servers = [{ address: HOST, port: upstreamPort }];
    service.change({ services: [], namespaces: [], routes: [{ domain: "test", servers }] });
    const questions = ["a.test", "b.test", "c.test"].map((name) => queryBytes(name, TYPE.A));
    for (const answer of await byDatagram(port, ...questions)) {
      assert.equal(readMessage(answer).code, 0);
    }
    assert.ok(ports.size >= 3);
  });
  upstream.close();
  await serving;
});

Deno.test("a name that is changed is answered anew at once", async () => {
  await withService(async (port, service) => {
    service.change({
      services: [["default/web", namesOf("web", { clusterIPs: ["10.96.0.8"] })]],
      namespaces: [],
    });
    const [answer] = await byDatagram(port, queryBytes(WEB, TYPE.A));
    assert.deepEqual(readMessage(answer!).answers, [`${WEB} A 10.96.0.8`]);
  });
});
