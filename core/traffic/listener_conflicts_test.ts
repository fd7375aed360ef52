import assert from "node:assert/strict";
import fc from "fast-check";
import type { Gateway, GatewayListener } from "../resources/gateway/gateways.ts";
import { covers } from "./hostnames.ts";
import { gatewayKey, listenerConflicts } from "./listener_conflicts.ts";
import { olderFirst } from "./precedence.ts";

const OLD = "2026-01-01T00:00:00Z", NEW = "2026-01-02T00:00:00Z";

Deno.test("the older Gateway keeps port and host name, the other one's listener is in conflict", () => {
  const cases: [title: string, gateways: Gateway[], conflicts: object][] = [
    ["the same host name", [gateway("b/y", NEW, "a.com"), gateway("a/x", OLD, "a.com")], {
      "b/y": { "l0": "HostnameConflict" },
    }],
    ["the same age: by name", [gateway("b/y", OLD, "a.com"), gateway("a/x", OLD, "a.com")], {
      "b/y": { "l0": "HostnameConflict" },
    }],
    ["no host name at all", [gateway("a/x", OLD, undefined), gateway("a/y", NEW, undefined)], {
      "a/y": { "l0": "HostnameConflict" },
    }],
    ["in capitals", [gateway("a/x", OLD, "a.com"), gateway("a/y", NEW, "A.com")], {
      "a/y": { "l0": "HostnameConflict" },
    }],
    ["other host names", [gateway("a/x", OLD, "a.com"), gateway("b/y", NEW, "b.com")], {}],
    ["a wider one cannot take anything", [gateway("a/x", OLD, "a.com"), gateway("b/y", NEW)], {}],
    [
      "a narrower one takes it from another namespace",
      [gateway("a/x", OLD), gateway("b/y", NEW, "a.com", "b.com")],
      { "b/y": { l0: "HostnameConflict", l1: "HostnameConflict" } },
    ],
    [
      "a narrower one below a wildcard",
      [gateway("a/x", OLD, "*.a.com"), gateway("b/y", NEW, "login.a.com", "a.com", "*.x.a.com")],
      { "b/y": { l0: "HostnameConflict", l2: "HostnameConflict" } },
    ],
    ["narrower, in one namespace", [gateway("a/x", OLD), gateway("a/y", NEW, "a.com")], {}],
    ["what is in conflict takes nothing", [
      gateway("a/x", "2025-01-01T00:00:00Z", "a.com"),
      gateway("b/y", OLD, "a.com"),
      gateway("b/z", NEW, "b.com"),
    ], { "b/y": { l0: "HostnameConflict" } }],
  ];
  for (const [title, gateways, expected] of cases) {
    assert.deepEqual(reasonsOf(gateways), expected, title);
    assert.deepEqual(reasonsOf(gateways.toReversed()), expected, `${title}, the other way round`);
  }
});

Deno.test("ports and protocols: another port is free, a port speaks one protocol", () => {
  const at = (port: number, protocol: string, name: string, age: string): Gateway => {
    const { spec, ...rest } = gateway(name, age, undefined);
    const [listener] = spec.listeners;
    return { ...rest, spec: { ...spec, listeners: [{ ...listener!, port, protocol }] } } as Gateway;
  };
  assert.deepEqual(reasonsOf([at(80, "HTTP", "a/x", OLD), at(81, "HTTP", "b/y", NEW)]), {});
  assert.deepEqual(reasonsOf([at(80, "HTTPS", "a/x", OLD), at(80, "HTTP", "b/y", NEW)]), {
    "b/y": { l0: "ProtocolConflict" },
  });
  assert.deepEqual(reasonsOf([at(80, "HTTP", "a/x", OLD), at(80, "HTTPS", "b/y", NEW)]), {
    "b/y": { l0: "ProtocolConflict" },
  });
  for (const protocol of ["TLS", "TCP"]) {
    assert.deepEqual(reasonsOf([at(80, "HTTP", "a/x", OLD), at(80, protocol, "b/y", NEW)]), {
      "b/y": { l0: "ProtocolConflict" },
    });
    assert.deepEqual(reasonsOf([at(80, protocol, "a/x", OLD), at(80, "HTTP", "b/y", NEW)]), {
      "a/x": { l0: "ProtocolConflict" },
    });
  }
});

Deno.test("whoever comes later, no host name of an older Gateway of another namespace is taken", () => {
  const hostname = fc.constantFrom(undefined, "*.a.com", "b.a.com", "c.b.a.com", "*.b.a.com", "d");
  const anyGateway = fc.record({
    name: fc.constantFrom("a/x", "a/y", "b/x", "b/y", "c/x"),
    age: fc.constantFrom(OLD, NEW),
    hostnames: fc.uniqueArray(hostname, { minLength: 1, maxLength: 3 }),
  });
  const host = fc.constantFrom("a.com", "b.a.com", "c.b.a.com", "x.b.a.com", "y.a.com", "d", "e");
  fc.assert(
    fc.property(
      fc.uniqueArray(anyGateway, { selector: ({ name }) => name, minLength: 2, maxLength: 4 }),
      host,
      (specs, host) => {
        const gateways = specs.map(({ name, age, hostnames }) => gateway(name, age, ...hostnames));
        const before = gateways.toSorted(olderFirst).slice(0, -1);
        const server = serverOf(before, host), later = serverOf(gateways, host);
        if (server === undefined) return;
        const isSame = server.metadata.namespace === later?.metadata.namespace;
        assert.ok(isSame, `${gatewayKey(server)} lost ${host} to ${later && gatewayKey(later)}`);
      },
    ),
    { numRuns: 2000, seed: 13 },
  );
});

/** Who gets the requests for a host: the most specific listener that is served. */
function serverOf(gateways: readonly Gateway[], host: string): Gateway | undefined {
  const conflicts = listenerConflicts(gateways);
  const served = gateways.flatMap((each) =>
    each.spec.listeners
      .filter(({ name }) => !conflicts.get(gatewayKey(each))?.has(name))
      .map(({ hostname = "" }) => ({ gateway: each, hostname }))
  ).filter(({ hostname }) => covers(hostname, host));
  const rank = (name: string) => name === "" ? 0 : name.startsWith("*") ? name.length : 1000;
  return served.sort((a, b) => rank(b.hostname) - rank(a.hostname))[0]?.gateway;
}

function reasonsOf(gateways: readonly Gateway[]): object {
  return Object.fromEntries(
    [...listenerConflicts(gateways)].map(([key, conflicts]) => [
      key,
      Object.fromEntries([...conflicts].map(([name, { reason }]) => [name, reason])),
    ]),
  );
}

/** A Gateway with a listener on port 80 for each host name; without any, one for all. */
function gateway(key: string, age: string, ...hostnames: (string | undefined)[]): Gateway {
  const [namespace, name] = key.split("/");
  const listeners = (hostnames.length === 0 ? [undefined] : hostnames).map((hostname, i) => ({
    name: `l${i}`,
    port: 80,
    protocol: "HTTP",
    ...(hostname === undefined ? {} : { hostname }),
  }));
  return {
    metadata: { namespace, name, creationTimestamp: age },
    spec: { gatewayClassName: "coracle", listeners: listeners as unknown as GatewayListener[] },
  } as unknown as Gateway; // as much of one as the decision reads
}
