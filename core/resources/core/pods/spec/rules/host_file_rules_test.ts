import assert from "node:assert/strict";
import { pods } from "../../pods.ts";
import { made } from "../../../../resource_fixture.ts";

const ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const SEARCH =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
const WORD = "must not contain white space or control characters";

/** What a spec says, and the causes that it gives, without what is said of names. */
const CASES: [object, string[]][] = [
  [{ hostAliases: [{ ip: "10.0.0.1", hostnames: ["a.example", "b"] }] }, []],
  [{ hostAliases: [{ ip: "2001:db8::1", hostnames: ["a"] }] }, []],
  [
    { hostAliases: [{ ip: "10.0.0.1\n6.6.6.6", hostnames: ["a"] }] },
    [`spec.hostAliases[0].ip: Invalid value: "10.0.0.1\\n6.6.6.6": ${ADDRESS}`],
  ],
  [
    { hostAliases: [{ ip: "fe80::1%eth0", hostnames: [] }] },
    [`spec.hostAliases[0].ip: Invalid value: "fe80::1%eth0": ${ADDRESS}`],
  ],
  [{ dnsConfig: { nameservers: ["10.0.0.1"], searches: ["_tcp.a.", "."] } }, []],
  [{ dnsConfig: { searches: ["_sip._tcp.abc_d.example.com", "a__b.", "1"] } }, []],
  [
    { dnsConfig: { searches: ["__a", "a_", "_", "..", "A", "a._.b", ""] } },
    ["__a", "a_", "_", ".", "A", "a._.b", ""].map((name, i) =>
      `spec.dnsConfig.searches[${i}]: Invalid value: "${name}": ${SEARCH}`
    ),
  ],
  [
    { dnsConfig: { nameservers: ["ns.example"] } },
    [`spec.dnsConfig.nameservers[0]: Invalid value: "ns.example": ${ADDRESS}`],
  ],
  [{ dnsConfig: { options: [{ name: "ndots", value: "5" }, { name: "edns0" }] } }, []],
  [
    { dnsConfig: { options: [{ name: "a", value: "1\nnameserver 6.6.6.6" }, { name: "b c" }] } },
    [
      `spec.dnsConfig.options[0].value: Invalid value: "1\\nnameserver 6.6.6.6": ${WORD}`,
      `spec.dnsConfig.options[1].name: Invalid value: "b c": ${WORD}`,
    ],
  ],
  [
    { dnsConfig: { options: [{ value: "1" }] } },
    ["spec.dnsConfig.options[0]: Required value: must not be empty"],
  ],
  [
    { securityContext: { sysctls: [{ name: "net.ipv4.tcp_rmem", value: "1\n2" }] } },
    ['spec.securityContext.sysctls[0].value: Invalid value: "1\\n2": must be one line'],
  ],
];

for (const [spec, causes] of CASES) {
  Deno.test(`${JSON.stringify(spec)} ${causes.length === 0 ? "is taken" : "is refused"}`, () => {
    assert.deepEqual(causesOf(spec), causes);
  });
}

Deno.test("a name that would end its line is refused, wherever names go into files of the pod", () => {
  const bad = "a\n6.6.6.6 bank.example";
  const fields = [
    [{ hostAliases: [{ ip: "10.0.0.1", hostnames: ["a", bad] }] }, "hostAliases[0].hostnames[1]"],
    [{ dnsConfig: { searches: [bad] } }, "dnsConfig.searches[0]"],
    [{ hostname: bad }, "hostname"],
    [{ hostnameOverride: bad }, "hostnameOverride"],
    [{ subdomain: bad }, "subdomain"],
  ] as const;
  for (const [spec, field] of fields) {
    const causes = causesOf(spec);
    assert.ok(
      causes[0]?.startsWith(`spec.${field}: Invalid value: "a\\n6.6.6.6`),
      `${field}: ${causes}`,
    );
  }
  const long = Array(20).fill("a".repeat(110));
  assert.match(
    causesOf({ dnsConfig: { searches: long } }).join(),
    /must not have more than 2048 characters/,
  );
});

function causesOf(spec: object): string[] {
  const containers = [{ name: "c", image: "x" }];
  const manifest = { apiVersion: "v1", kind: "Pod", spec: { containers, ...spec } };
  return made(pods, manifest).causes;
}
