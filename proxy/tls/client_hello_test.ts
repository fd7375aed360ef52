import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClientHello, HELLO_BYTES_MAX, readClientHello } from "./client_hello.ts";
import { certificateFor } from "./tls_hosts.ts";

const number = (value: number, size: number) =>
  Array.from({ length: size }, (_, i) => value >> 8 * (size - 1 - i) & 0xff);
const sized = (bytes: number[], size: number) => [...number(bytes.length, size), ...bytes];
const ascii = (text: string) => [...new TextEncoder().encode(text)];

function sni(name: string, kind = 0): number[] {
  const entry = [kind, ...sized(ascii(name), 2)];
  return [...number(0, 2), ...sized(sized(entry, 2), 2)];
}
const OTHER = [...number(43, 2), ...sized([2, 3, 4], 2)];

function body(extensions: number[] | undefined): number[] {
  return [
    ...number(0x0303, 2),
    ...new Array(32).fill(7),
    ...sized(new Array(32).fill(1), 1),
    ...sized([0x13, 1], 2),
    ...sized([0], 1),
    ...(extensions ? sized(extensions, 2) : []),
  ];
}

/** A ClientHello in records of `recordBytes`. */
function hello(extensions: number[] | undefined, recordBytes = 16_384, type = 1): Uint8Array {
  const message = [type, ...sized(body(extensions), 3)];
  const records: number[] = [];
  for (let at = 0; at < message.length; at += recordBytes) {
    records.push(22, 3, 1, ...sized(message.slice(at, at + recordBytes), 2));
  }
  return Uint8Array.from(records);
}

Deno.test("the name that a client asks for is read, and what has none or cannot be read is told apart", () => {
  const rows: [title: string, bytes: Uint8Array, expected: ClientHello][] = [
    ["a name", hello([...OTHER, ...sni("a.example")]), { serverName: "a.example" }],
    ["in capitals", hello(sni("A.Example")), { serverName: "a.example" }],
    ["no name", hello(OTHER), { serverName: "" }],
    ["no extensions", hello(undefined), { serverName: "" }],
    ["another kind of name", hello(sni("a", 1)), "unreadable"],
    ["an empty name", hello(sni("")), "unreadable"],
    ["no host name", hello(sni("a b")), "unreadable"],
    ["not a ClientHello", hello(OTHER, 16_384, 2), "unreadable"],
    ["HTTP", Uint8Array.from(ascii("GET / HTTP/1.1\r\n")), "unreadable"],
    ["an empty record", Uint8Array.of(22, 3, 1, 0, 0), "unreadable"],
    ["a record that is too long", Uint8Array.of(22, 3, 1, 0x40, 1), "unreadable"],
    ["a message that is too long", Uint8Array.of(22, 3, 1, 0, 4, 1, 1, 0, 0), "unreadable"],
    ["nothing", new Uint8Array(), "needs more"],
    ["extensions that are longer than the message", hello([0, 0, 0xff, 0xff]), "unreadable"],
  ];
  for (const [title, bytes, expected] of rows) {
    assert.deepEqual(readClientHello(bytes), expected, title);
  }
});

Deno.test("a hello that never ends is not read for ever", () => {
  const part = [22, 3, 1, ...sized([1, ...number(HELLO_BYTES_MAX, 3)], 2)];
  const more = [22, 3, 1, ...sized(new Array(16_000).fill(0), 2)];
  assert.equal(readClientHello(Uint8Array.from([...part, ...more])), "needs more");
  assert.notEqual(readClientHello(Uint8Array.from([...part, ...more, ...more])), "needs more");
});

Deno.test("however a hello is cut into records and pieces, it is the same, and no piece is more than it", () => {
  const whole = [...OTHER, ...sni("shop.example.com")];
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(1000), (recordBytes, cut) => {
      const bytes = hello(whole, recordBytes);
      assert.deepEqual(readClientHello(bytes), { serverName: "shop.example.com" });
      const part = bytes.subarray(0, Math.min(cut, bytes.length - 1));
      assert.equal(readClientHello(part), "needs more");
    }),
    { seed: 7 },
  );
});

Deno.test("whatever comes, reading it neither throws nor asks for more than the limit", () => {
  const noise = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(noise, fc.nat(80), (bytes, at) => {
      const mutated = hello([...OTHER, ...sni("a.example")]);
      mutated.set(bytes.subarray(0, Math.max(0, mutated.length - at)), at);
      readClientHello(mutated);
      readClientHello(bytes);
    }),
    { numRuns: 2000, seed: 7 },
  );
});

Deno.test("of the certificates of the host, the first that is for the name is shown, else the first", () => {
  const named = (...names: string[]) => ({ certificate: names.join(), key: "", names });
  const star = named("*.a.com"), exact = named("x.a.com", "a.com"), other = named("b.com");
  const host = (hostname: string, ...certificates: typeof star[]) => ({
    ...{ hostname, certificates },
    routes: [],
  });
  const hosts = [host("c.com", other), host("*.a.com", other, star, exact)];
  const rows: [name: string, certificate: object | undefined][] = [
    ["c.com", other],
    ["y.a.com", star],
    ["x.a.com", star],
    ["x.y.a.com", other],
    ["a.com", undefined],
    ["", undefined],
  ];
  for (const [name, expected] of rows) {
    assert.equal(certificateFor(name, hosts), expected, name);
  }
  const all = [host("", other, exact)];
  assert.equal(certificateFor("", all), other);
  assert.equal(certificateFor("a.com", all), exact);
  assert.equal(certificateFor("", [host("")]), undefined);
});
