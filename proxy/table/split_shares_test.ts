import assert from "node:assert/strict";
import { MANAGED_BY, SET_LABEL } from "../../core/traffic/rollout_sets.ts";
import { SHARES } from "../../core/traffic/service_shares.ts";
import { buildRouteTable } from "./build_route_table.ts";
import type { HttpListener, RouteTable, TcpListener } from "./route_table.ts";
import { setsInUse } from "./sets_in_use.ts";
import { combinedWeights } from "./split_shares.ts";
import {
  FixedView,
  gateway,
  GATEWAY_CLASS,
  type Manifest,
  route,
  rule,
  service,
} from "./table_fixture.ts";

Deno.test("a split Service is split where a route leads to it and at its own addresses", () => {
  const table = tableOf(
    ...root("stable=80,canary=20"),
    ...setOf("stable", "aaa", "10.0.0.1"),
    ...setOf("canary", "bbb", "10.0.0.2"),
    gateway("gw", {}),
    route("r", { rules: [rule("/", "web")] }),
  );
  assert.deepEqual(table.problems, []);
  assert.deepEqual(sharesOfRule(table), { "default/stable:80": 80, "default/canary:80": 20 });
  const listener = addressOf(table, "web");
  assert.equal(listener.split!.key, "service default/web:80");
  assert.deepEqual(named(table, listener.split!.shares), {
    "default/stable:80": 80,
    "default/canary:80": 20,
  });
  assert.ok(table.backends.every(({ name }) => name !== "default/web:80"), "nobody gets there");
  assert.deepEqual(setsInUse(table), {
    shared: ["default/stable aaa", "default/canary bbb"],
    addressed: ["default/stable aaa", "default/canary bbb"],
  });
});

Deno.test("a Service that names itself in its shares is led to by its selector", () => {
  const [own, slice] = setOf("web", "aaa", "10.0.0.1");
  const annotations = { [SHARES]: "web=0,canary=100" };
  const table = tableOf(
    { ...own!, metadata: { ...own!.metadata, annotations } },
    slice!,
    ...setOf("canary", "bbb", "10.0.0.2"),
  );
  assert.deepEqual(setsInUse(table), {
    shared: ["default/canary bbb"],
    addressed: ["default/canary bbb"],
  });
  assert.equal(table.backends[addressOf(table, "web").backend]!.name, "default/canary:80");
});

Deno.test("shares that cannot be followed are a problem, and the Service is an ordinary one", () => {
  const table = tableOf(...root("stable=0"), ...setOf("stable", "aaa", "10.0.0.1"));
  assert.deepEqual(table.problems.map(({ kind, name, reason }) => [kind, name, reason]), [
    ["Service", "web", "UnsupportedValue"],
  ]);
  assert.equal(addressOf(table, "web").split, undefined);
});

Deno.test("shares whose Service is not there, or has no such port, answer nothing", () => {
  const table = tableOf(...root("gone=1,canary=1"), ...setOf("canary", "bbb", "10.0.0.2"));
  const { shares } = addressOf(table, "web").split!;
  assert.deepEqual(shares.map(({ backend }) => table.backends[backend]!.state), [
    "invalid",
    "valid",
  ]);
});

Deno.test("a share is the port of the same number, else the one of the same name", () => {
  const [canary, slice] = setOf("canary", "bbb", "10.0.0.2");
  const spec = {
    ...canary!.spec as object,
    ports: [{ name: "http", port: 9090, targetPort: "web" }],
  };
  const table = tableOf(...root("canary=1"), { ...canary!, spec }, slice!);
  assert.equal(table.backends[addressOf(table, "web").backend]!.name, "default/canary:9090");
});

Deno.test("backends of one rollout are known as such, and by the set of their Service", () => {
  const table = tableOf(...setOf("stable", "aaa", "10.0.0.1"));
  assert.deepEqual(table.backends.map(({ rollout, set }) => [rollout, set]), [[
    "default/web",
    { namespace: "default", service: "stable", hash: "aaa", port: 80 },
  ]]);
});

Deno.test("a part of a whole is divided as its shares say", () => {
  for (
    const [parts, expected] of [
      [[[1, [80, 20]]], [80, 20]],
      [[[0, [80, 20]]], [0, 0]],
      [[[1, [80, 20]], [1, [1]]], [80, 20, 100]],
      [[[3, [1, 1]], [1, [1, 2]]], [9, 9, 2, 4]],
      [[[1, [0, 5]], [2, [7]]], [0, 35, 70]],
    ] as [[number, number[]][], number[]][]
  ) {
    assert.deepEqual(
      combinedWeights(parts.map(([weight, shares]) => ({ weight, shares }))),
      expected,
    );
  }
  const large = combinedWeights([
    { weight: 1, shares: [999_983, 0] },
    { weight: 1, shares: [999_979, 1] },
  ]);
  assert.ok(large.every((weight) => Number.isSafeInteger(weight)));
  assert.equal(large[1], 0);
});

function root(shares: string): Manifest[] {
  const [web, slice] = service("web", "10.0.0.1", "10.0.0.2");
  const spec = { ...web!.spec as object, clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1"] };
  const metadata = { ...web!.metadata, annotations: { [SHARES]: shares } };
  return [{ ...web!, metadata, spec }, slice!];
}

/** A Service of the rollout `web` that leads to one set. */
function setOf(name: string, hash: string, address: string): Manifest[] {
  const [own, slice] = service(name, address);
  const clusterIP = `10.96.1.${name.charCodeAt(0)}`;
  return [{
    ...own!,
    metadata: { ...own!.metadata, annotations: { [MANAGED_BY]: "web" } },
    spec: {
      ...own!.spec as object,
      ...{ clusterIP, clusterIPs: [clusterIP], selector: { app: "web", [SET_LABEL]: hash } },
    },
  }, slice!];
}

function tableOf(...manifests: Manifest[]): RouteTable {
  return buildRouteTable(new FixedView(GATEWAY_CLASS, ...manifests), {
    gatewayAddress: "0.0.0.0",
    listensOnClusterIPs: true,
  });
}

function addressOf({ listeners }: RouteTable, name: string): TcpListener {
  return listeners.find((each) =>
    each.name === `service default/${name} clusterIP 80`
  ) as TcpListener;
}

function sharesOfRule(table: RouteTable): Record<string, number> {
  const [listener] = table.listeners as HttpListener[];
  return named(table, listener!.hosts[0]!.routes[0]!.rule.shares);
}

function named(
  { backends }: RouteTable,
  shares: readonly { weight: number; backend: number }[],
): Record<string, number> {
  return Object.fromEntries(shares.map(({ weight, backend }) => [backends[backend]!.name, weight]));
}
