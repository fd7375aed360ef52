import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { parseResolverConfig, podResolverOf, resolverText } from "./resolver_config.ts";

const NODE = { servers: ["192.0.2.53"], searches: ["example.org"], options: ["rotate"] };
const CLUSTER = { addresses: ["10.43.0.10"], domain: "cluster.local" };
const OF_CLUSTER = {
  servers: ["10.43.0.10"],
  searches: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org"],
  options: ["ndots:5"],
};

function resolverOf(spec: object, cluster: typeof CLUSTER | undefined = CLUSTER) {
  const pod = { metadata: { namespace: "shop" }, spec } as unknown as Pod;
  return podResolverOf(pod, NODE, cluster);
}

const configOf = (spec: object) => resolverOf(spec).config;

Deno.test("a pod asks whom its policy says", () => {
  const nothing = { servers: [], searches: [], options: [] };
  assert.deepEqual(configOf({ dnsPolicy: "ClusterFirst" }), OF_CLUSTER);
  assert.deepEqual(configOf({ dnsPolicy: "ClusterFirst", hostNetwork: true }), NODE);
  assert.deepEqual(
    configOf({ dnsPolicy: "ClusterFirstWithHostNet", hostNetwork: true }),
    OF_CLUSTER,
  );
  assert.deepEqual(configOf({ dnsPolicy: "ClusterFirstWithHostNet" }), OF_CLUSTER);
  assert.deepEqual(configOf({ dnsPolicy: "Default" }), NODE);
  assert.deepEqual(configOf({ dnsPolicy: "None" }), nothing);
  const pod = { metadata: { namespace: "shop" }, spec: { dnsPolicy: "ClusterFirst" } };
  assert.deepEqual(podResolverOf(pod as unknown as Pod, NODE, undefined).config, NODE);
});

Deno.test("a pod's own settings are added, and its options win", () => {
  const dnsConfig = {
    nameservers: ["1.2.3.4", "10.43.0.10"],
    searches: ["svc.cluster.local", "my.dns.search.suffix"],
    options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
  };
  assert.deepEqual(configOf({ dnsPolicy: "ClusterFirst", dnsConfig }), {
    servers: ["10.43.0.10", "1.2.3.4"],
    searches: [...OF_CLUSTER.searches, "my.dns.search.suffix"],
    options: ["ndots:2", "edns0"],
  });
  assert.equal(
    resolverText(configOf({ dnsPolicy: "None", dnsConfig })),
    "search svc.cluster.local my.dns.search.suffix\nnameserver 1.2.3.4\nnameserver 10.43.0.10\noptions ndots:2 edns0\n",
  );
});

Deno.test("what libraries cannot read is left out, and told", () => {
  const nameservers = ["1.0.0.1", "1.0.0.2", "1.0.0.3"];
  const { config, warnings } = resolverOf({
    dnsPolicy: "ClusterFirst",
    dnsConfig: { nameservers },
  });
  assert.deepEqual(config.servers, ["10.43.0.10", "1.0.0.1", "1.0.0.2"]);
  assert.deepEqual(warnings, [
    "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.43.0.10 1.0.0.1 1.0.0.2",
  ]);
  const few = Array.from({ length: 28 }, (_, i) => `a${i}`);
  const searches = (list: string[]) =>
    resolverOf({ dnsPolicy: "ClusterFirst", dnsConfig: { searches: list } });
  assert.deepEqual(searches(few).warnings, []);
  const many = searches([...few, "last"]);
  assert.equal(many.config.searches.length, 32);
  assert.match(
    many.warnings[0]!,
    /^Search Line limits were exceeded, some search paths have been omitted, the applied search line is: shop\.svc.* a27$/,
  );
  assert.deepEqual(searches(["x".repeat(254)]).config.searches, OF_CLUSTER.searches);
  assert.equal(searches(["x".repeat(253)]).warnings.length, 0);
});

Deno.test("no pod's list is longer than libraries can read", () => {
  const name = fc.string({ unit: fc.constantFrom(..."ab."), maxLength: 300 });
  fc.assert(fc.property(fc.array(name, { maxLength: 60 }), (searches) => {
    const { config } = resolverOf({ dnsPolicy: "ClusterFirst", dnsConfig: { searches } });
    assert.ok(config.searches.length <= 32);
    assert.ok(config.searches.join(" ").length <= 2048);
    assert.ok(config.searches.every(({ length }) => length <= 253));
    assert.deepEqual(config.searches.slice(0, 4), OF_CLUSTER.searches);
  }));
});

Deno.test("the node's file is read as resolvers read it", () => {
  const text = `# by hand
nameserver 192.0.2.53
 nameserver\t192.0.2.54 # second
nameserver
search old.example
search example.org. . b
domain ignored
options rotate timeout:1
options timeout:2 ndots:3
`;
  assert.deepEqual(parseResolverConfig(text), {
    servers: ["192.0.2.53", "192.0.2.54"],
    searches: ["example.org", "b"],
    options: ["rotate", "timeout:2", "ndots:3"],
  });
  assert.deepEqual(parseResolverConfig(""), { servers: [], searches: [], options: [] });
});
