import assert from "node:assert/strict";
import fc from "fast-check";
import {
  isHostAddress,
  isIpv4,
  isWithin,
  parseIp,
  parseIpRange,
  specialUseOf,
} from "./ip_address.ts";

Deno.test("addresses are read, and what is none is refused", () => {
  assert.deepEqual(parseIp("10.0.0.1"), parseIp("::ffff:a00:1"));
  assert.deepEqual(parseIp("::ffff:10.0.0.1"), parseIp("0:0:0:0:0:FFFF:0a00:0001"));
  assert.deepEqual(parseIp("2001:db8::1"), parseIp("2001:db8:0:0:0:0:0:1"));
  assert.deepEqual(parseIp("::"), new Array(16).fill(0));
  assert.ok(isIpv4(parseIp("10.0.0.1")!) && !isIpv4(parseIp("::1")!));
  const none = [
    ...[
      "",
      "a",
      "1.2.3",
      "01.2.3.4",
      "1.2.3.256",
      "1.2.3.4.5",
      "127.1",
      "0x7f.0.0.1",
      "2130706433",
    ],
    ...[
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7:8::",
      "12345::",
    ],
    ...["fe80::1%eth0", "[::1]", "::1/128", "1.2.3.4::", "::1.2.3", "g::"],
  ];
  for (const text of none) assert.equal(parseIp(text), undefined, text);
});

Deno.test("any IPv6 address is read in each of its spellings", () => {
  fc.assert(fc.property(fc.ipV6(), fc.boolean(), (text, capitals) => {
    const address = parseIp(capitals ? text.toUpperCase() : text)!;
    assert.equal(address.length, 16, text);
    const groups = Array.from({ length: 8 }, (_, i) => address[2 * i]! * 256 + address[2 * i + 1]!);
    assert.deepEqual(parseIp(groups.map((group) => group.toString(16)).join(":")), address);
  }));
});

Deno.test("ranges hold the addresses with their first bits, in either spelling", () => {
  const cases: [range: string, within: string[], without: string[]][] = [
    ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.1.1"], ["11.0.0.0", "::a00:1"]],
    ["10.0.0.128/25", ["10.0.0.128"], ["10.0.0.127"]],
    ["192.0.2.7", ["192.0.2.7"], ["192.0.2.6"]],
    ["fe80::/10", ["fe80::1", "febf::"], ["fec0::", "fe7f::"]],
    ["0.0.0.0/0", ["1.2.3.4"], ["::1"]],
    ["::/0", ["1.2.3.4", "::1"], []],
  ];
  for (const [text, within, without] of cases) {
    const range = parseIpRange(text)!;
    for (const each of within) {
      assert.equal(isWithin(parseIp(each)!, range), true, `${each} ${text}`);
    }
    for (const each of without) {
      assert.equal(isWithin(parseIp(each)!, range), false, `${each} ${text}`);
    }
  }
  for (const text of ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "::/129", "x/8", "::/1/2"]) {
    assert.equal(parseIpRange(text), undefined, text);
  }
});

Deno.test("special addresses are known, mapped or not", () => {
  const cases = {
    "loopback": ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"],
    "link-local": ["169.254.169.254", "fe80::1", "::ffff:169.254.1.1"],
    "link-local multicast": ["224.0.0.1", "ff02::1"],
    "multicast": ["239.1.1.1", "ff0e::1", "224.0.1.1"],
    "unspecified": ["0.0.0.0", "::", "::ffff:0.0.0.0"],
    "undefined": ["10.0.0.1", "192.168.1.1", "2001:db8::1", "fd00::1", "128.0.0.1"],
  };
  for (const [use, addresses] of Object.entries(cases)) {
    const isHost = use === "loopback" || use === "undefined";
    for (const each of addresses) {
      assert.equal(String(specialUseOf(parseIp(each)!)), use, each);
      assert.equal(isHostAddress(each), isHost, each);
    }
  }
});
