import assert from "node:assert/strict";
import { TestCluster } from "../../core/controllers/test_cluster.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import type { KubeObject, Resource } from "../../core/resources/resource.ts";
import { Log, silentLog } from "../../core/lib/log.ts";
import { settled, VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { TrafficReport } from "../../core/traffic/served_traffic.ts";
import type { ListenReport } from "./proxy_thread.ts";
import type { RouteTable, TcpListener } from "../table/route_table.ts";
import { runProxy } from "./run_proxy.ts";
import {
  FixedView,
  gateway,
  GATEWAY_CLASS,
  type Manifest,
  route,
  rule,
  service,
} from "../table/table_fixture.ts";

Deno.test("changes that come together become one table, and what changes nothing none", async () => {
  const { view, tables, clock, stop } = running(...all("10.0.0.1"));
  await settled();
  assert.equal(tables.length, 1);
  view.set(...all("10.0.0.2"));
  view.set(...all("10.0.0.3"));
  await clock.advance(10);
  assert.deepEqual(tables.map(({ backends }) => backends[0]!.endpoints[0]!.address), [
    "10.0.0.1",
    "10.0.0.3",
  ]);
  view.set(...all("10.0.0.3"));
  await clock.advance(10);
  assert.equal(tables.length, 2);
  await stop();
  assert.equal(clock.pending, 0);
});

Deno.test("it ends also while the proxy does not take a table", async () => {
  const { view, tables, clock, hang, stop } = running(...all("10.0.0.1"));
  await settled();
  hang();
  view.set(...all("10.0.0.2"));
  await clock.advance(10);
  assert.equal(tables.length, 2);
  await stop();
  assert.equal(clock.pending, 0);
});

Deno.test("problems and ports that fail are said once", async () => {
  const { view, lines, clock, report, stop } = running(gateway("gw", { protocol: "TLS" }));
  await settled();
  const failed = [{
    name: "gateway 80",
    address: "0.0.0.0",
    port: 80,
    message: "the port is in use",
  }];
  report({ listening: [], failed });
  report({ listening: [], failed });
  view.set(GATEWAY_CLASS, gateway("gw", { protocol: "TLS" }, { name: "b" }));
  await clock.advance(10);
  assert.deepEqual(lines, [
    'Cannot do all of Gateway "default/gw" (web): Protocol "TLS" is not supported; supported protocols: "HTTP", "HTTPS" (UnsupportedProtocol)',
    "Cannot listen on 0.0.0.0:80 for gateway 80: the port is in use; will try again",
  ]);
  await stop();
});

Deno.test("what is told of a table is what it was made of, not what came while it was taken", async () => {
  const { view, reports, clock, take, hang, stop } = running(...versioned(5));
  await settled();
  assert.deepEqual(reports.map(({ versions }) => versions.HTTPRoute), [5]);
  hang();
  view.set(...versioned(6, "10.0.0.2"));
  await clock.advance(10);
  view.set(...versioned(7, "10.0.0.3"));
  await clock.advance(10);
  assert.equal(reports.length, 1, "it is not in use");
  take();
  await settled();
  assert.deepEqual(reports.at(-1)!.versions.HTTPRoute, 6);
  await clock.advance(10);
  assert.deepEqual(reports.at(-1)!.versions.HTTPRoute, 7);
  assert.deepEqual(reports.at(-1)!.changed, ["default"]);
  view.set(...versioned(8, "10.0.0.3"));
  await clock.advance(10);
  assert.deepEqual(reports.at(-1)!.versions.HTTPRoute, 8, "the same table serves a new version");
  await stop();
});

function versioned(version: number, address = "10.0.0.1"): Manifest[] {
  const metadata = { resourceVersion: String(version) };
  return [
    gateway("gw", {}),
    route("r", { rules: [rule("/", "web")] }, metadata),
    ...service("web", address),
  ];
}

function all(address: string): Manifest[] {
  return [gateway("gw", {}), route("r", { rules: [rule("/", "web")] }), ...service("web", address)];
}

function running(...manifests: Manifest[]) {
  const view = new FixedView(GATEWAY_CLASS, ...manifests);
  const clock = new VirtualClock(0);
  const lines: string[] = [];
  const log = new Log({
    clock,
    sink: (text) => lines.push(JSON.parse(text).message),
    level: "warn",
    format: "json",
  });
  const tables: RouteTable[] = [];
  let used: Promise<ListenReport> = Promise.resolve({ listening: [], failed: [] });
  let report: (report: ListenReport) => void = () => {};
  const proxy = {
    use: (table: RouteTable) => {
      tables.push(table);
      return used;
    },
    onListeners: (listener: (report: ListenReport) => void) => {
      report = listener;
      return () => {};
    },
  };
  const stopping = new AbortController();
  const reports: TrafficReport[] = [];
  const options = { view, proxy, clock, log, gatewayAddress: "0.0.0.0", signal: stopping.signal };
  const done = runProxy({ ...options, onServed: (report) => reports.push(report) });
  let take = () => {};
  const stop = () => {
    stopping.abort();
    return done;
  };
  return {
    view: { set: (...next: Manifest[]) => view.set(GATEWAY_CLASS, ...next) },
    tables,
    clock,
    lines,
    report: (next: ListenReport) => report(next),
    /** No table that comes from now on is taken. */
    hang: () => {
      const hanging = Promise.withResolvers<ListenReport>();
      used = hanging.promise;
      take = () => {
        used = Promise.resolve({ listening: [], failed: [] });
        hanging.resolve({ listening: [], failed: [] });
      };
    },
    /** What hangs is taken now. */
    take: () => take(),
    reports,
    stop,
  };
}

Deno.test("pods of all nodes, and the machine by any of its addresses, count as inside the cluster", async () => {
  const view = new FixedView(
    { kind: "Node", apiVersion: "v1", metadata: { name: "n1" }, spec: { podCIDR: "10.42.0.0/24" } },
    { kind: "Node", apiVersion: "v1", metadata: { name: "n2" }, spec: { podCIDR: "10.42.1.0/24" } },
    {
      kind: "Service",
      apiVersion: "v1",
      metadata: { namespace: "default", name: "a" },
      spec: {
        type: "NodePort",
        externalTrafficPolicy: "Local",
        ports: [{ port: 80, nodePort: 30080 }],
      },
    },
  );
  const stopping = new AbortController();
  const tables: RouteTable[] = [];
  const clock = new VirtualClock(0);
  const done = runProxy({
    view,
    clock,
    log: silentLog(clock),
    signal: stopping.signal,
    gatewayAddress: "0.0.0.0",
    nodePortAddress: "0.0.0.0",
    balancerRanges: ["192.0.2.8/29"],
    node: { name: "n1", addresses: () => ["192.0.2.1"] },
    proxy: {
      use: (table) => {
        tables.push(table);
        return Promise.resolve({ listening: [], failed: [] });
      },
      onListeners: () => () => {},
    },
  });
  stopping.abort();
  await done;
  const [listener] = tables[0]!.listeners as TcpListener[];
  assert.deepEqual(listener!.outside!.inside, [
    ...["10.42.0.0/24", "10.42.1.0/24", "127.0.0.0/8", "192.0.2.8/29", "192.0.2.1/32"],
  ]);
});

Deno.test("a table is made anew when a node gets other labels, and not because it is well", async () => {
  let looks = 0;
  class CountingView extends TestCluster {
    override list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[] {
      if (resource.kind === "Service") looks++;
      return super.list(resource, namespace);
    }
  }
  const cluster = new CountingView();
  const node = (metadata: object, status: object) =>
    cluster.put(nodes, { metadata: { name: "n1", ...metadata }, status });
  node({}, {});
  const stopping = new AbortController();
  const clock = new VirtualClock(0);
  const done = runProxy({
    ...{ view: cluster, clock, log: silentLog(clock), signal: stopping.signal },
    gatewayAddress: "0.0.0.0",
    node: { name: "n1", addresses: () => [] },
    proxy: {
      use: () => Promise.resolve({ listening: [], failed: [] }),
      onListeners: () => () => {},
    },
  });
  const looksBy = async () => {
    await clock.advance(1_000);
    return looks;
  };
  const first = await looksBy();
  node({}, { conditions: [{ type: "Ready", status: "True" }] });
  assert.equal(await looksBy(), first);
  node({ labels: { site: "berlin" } }, {});
  assert.ok(await looksBy() > first);
  stopping.abort();
  await done;
});
