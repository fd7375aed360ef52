import assert from "node:assert/strict";
import fc from "fast-check";
import { namesOf, zoneOf } from "../dns_fixture.ts";
import type { ServiceNames } from "./service_names.ts";
import { keyOf } from "./service_records.ts";
import type { Zone } from "./zone.ts";

const NAMES = ["a", "b", "c"];
const namespaces = fc.constantFrom("default", "other");
const ports = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom("http", "dns"),
    protocol: fc.constantFrom("tcp", "udp"),
    port: fc.integer({ min: 1, max: 3 }),
  }),
);
const endpoint = fc.record({
  ip: fc.constantFrom("10.42.0.1", "10.42.0.2", "fd00::1"),
  hostname: fc.constantFrom("h-0", "h-1"),
  ports,
}, { requiredKeys: ["ip", "ports"] });
const service: fc.Arbitrary<ServiceNames> = fc.record({
  namespace: namespaces,
  name: fc.constantFrom(...NAMES),
  externalName: fc.constantFrom("a.default.svc.cluster.local", "www.example.com"),
  clusterIPs: fc.subarray(["10.96.0.1", "10.96.0.2", "fd00::2"]),
  ports,
  endpoints: fc.array(endpoint, { maxLength: 4 }),
}, { requiredKeys: ["namespace", "name", "clusterIPs", "ports", "endpoints"] });
type Step = { service: ServiceNames; isThere: boolean } | { namespace: string; isThere: boolean };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ service, isThere: fc.boolean() }),
  fc.record({ namespace: namespaces, isThere: fc.boolean() }),
);

/** Every name that any of the services can have. */
function namesIn(steps: readonly Step[]): string[] {
  const parts = ["", "h-0.", "h-1.", "10-42-0-1.", "_tcp.", "_udp.", "_http._tcp.", "_dns._udp."];
  return steps.flatMap((each) => {
    if ("namespace" in each) return [`${each.namespace}.svc.cluster.local`];
    const { namespace, name } = each.service;
    return parts.map((part) => `${part}${name}.${namespace}.svc.cluster.local`);
  }).concat("svc.cluster.local", "1.0.42.10.in-addr.arpa", "1.0.96.10.in-addr.arpa");
}

function shown(zone: Zone, name: string): string[] | undefined {
  return zone.recordsAt(name)?.map(keyOf).sort();
}

Deno.test("a zone that was changed step by step is the same as one that is made anew", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    const changed = zoneOf([], []);
    const last = new Map<string, ServiceNames>(), spaces = new Set<string>();
    for (const each of steps) {
      if ("namespace" in each) {
        changed.setNamespace(each.namespace, each.isThere);
        if (each.isThere) spaces.add(each.namespace);
        else spaces.delete(each.namespace);
        continue;
      }
      const key = `${each.service.namespace}/${each.service.name}`;
      changed.setService(key, each.isThere ? each.service : undefined);
      if (each.isThere) last.set(key, each.service);
      else last.delete(key);
    }
    const anew = zoneOf([...last.values()], [...spaces]);
    for (const name of namesIn(steps)) {
      assert.deepEqual(shown(changed, name), shown(anew, name), name);
    }
  }));
});

Deno.test("a name is there as long as something is at it or below it", () => {
  const zone = zoneOf([], []);
  const name = "a.default.svc.cluster.local";
  zone.setService("default/a", namesOf("a", { clusterIPs: ["10.96.0.1"] }));
  assert.equal(zone.recordsAt(name)?.length, 1);
  assert.deepEqual(zone.recordsAt("default.svc.cluster.local"), []);
  zone.setService("default/a", undefined);
  assert.equal(zone.recordsAt(name), undefined);
  assert.equal(zone.recordsAt("default.svc.cluster.local"), undefined);
  assert.deepEqual(zone.recordsAt("svc.cluster.local"), []);
});

for (
  const [name, holds] of [
    ["cluster.local", true],
    ["x.cluster.local", true],
    ["xcluster.local", false],
    ["x\\.cluster.local", false],
    ["1.0.96.10.in-addr.arpa", true],
    ["1.0.97.10.in-addr.arpa", false],
    ["1.0.42.10.in-addr.arpa", true],
    ["01.0.96.10.in-addr.arpa", false],
    ["0.96.10.in-addr.arpa", false],
  ] as const
) {
  Deno.test(`${name} is ${holds ? "" : "not "}the cluster's own`, () => {
    assert.equal(zoneOf().holds(name), holds);
  });
}
