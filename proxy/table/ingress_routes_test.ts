import assert from "node:assert/strict";
import { buildRouteTable } from "./build_route_table.ts";
import { selfSigned, tlsSecret } from "../../core/traffic/certificate_fixture.ts";
import type { HttpListener, RouteTable } from "./route_table.ts";
import { FixedView, gateway, GATEWAY_CLASS, type Manifest, service } from "./table_fixture.ts";

const CLASS: Manifest = {
  apiVersion: "networking.k8s.io/v1",
  kind: "IngressClass",
  metadata: { name: "coracle" },
  spec: { controller: "coracle.dev/ingress-controller" },
};
const to = (name: string, port: object = { number: 80 }) => ({ service: { name, port } });
const path = (value: string, name: string, pathType = "Prefix") => ({
  path: value,
  pathType,
  backend: to(name),
});

function ingress(name: string, spec: object, metadata: object = {}): Manifest {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      namespace: "default",
      name,
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...metadata,
    },
    spec: { ingressClassName: "coracle", ...spec },
  };
}

function tableOf(...manifests: Manifest[]): RouteTable {
  const view = new FixedView(CLASS, GATEWAY_CLASS, ...service("a"), ...service("b"), ...manifests);
  return buildRouteTable(view, { gatewayAddress: "0.0.0.0" });
}

/** `host TYPE path → Service` in the order in which they are tried. */
function routesIn({ listeners, backends }: RouteTable): string[] {
  return (listeners as HttpListener[]).flatMap(({ port, hosts }) =>
    hosts.flatMap(({ hostname, routes }) =>
      routes.map(({ match, rule }) =>
        `${port} ${hostname || "any"} ${match.path.type} ${match.path.value} → ` +
        backends[rule.shares[0]!.backend]!.name
      )
    )
  );
}

for (
  const [what, spec, expected] of [
    ["paths of a host, the longest first, the exact one before", {
      rules: [{
        host: "Foo.example",
        http: { paths: [path("/", "a"), path("/b", "b"), path("/b", "a", "Exact")] },
      }],
    }, [
      "80 foo.example Exact /b → default/a:80",
      "80 foo.example PathPrefix /b → default/b:80",
      "80 foo.example PathPrefix / → default/a:80",
    ]],
    ["requests of no host, and of those below a name", {
      rules: [
        { http: { paths: [path("/", "a", "ImplementationSpecific")] } },
        { host: "*.example", http: { paths: [path("/", "b")] } },
      ],
    }, [
      "80 *.example PathPrefix / → default/b:80",
      "80 any PathPrefix / → default/a:80",
    ]],
    ["what no path fits, by its default backend", {
      defaultBackend: to("b"),
      rules: [{ host: "foo.example", http: { paths: [path("/a", "a")] } }],
    }, [
      "80 foo.example PathPrefix /a → default/a:80",
      "80 foo.example PathPrefix / → default/b:80",
      "80 any PathPrefix / → default/b:80",
    ]],
  ] as const
) {
  Deno.test(`an Ingress leads ${what}`, () => {
    assert.deepEqual(routesIn(tableOf(ingress("i", spec))), expected);
  });
}

Deno.test("an Ingress of another class, of none, or of one that is not there is left alone", () => {
  const spec = { defaultBackend: to("a") };
  for (const ingressClassName of ["nginx", undefined]) {
    assert.deepEqual(routesIn(tableOf(ingress("i", { ...spec, ingressClassName }))), []);
  }
  const annotations = { "kubernetes.io/ingress.class": "coracle" };
  const old = ingress("i", { ...spec, ingressClassName: undefined }, { annotations });
  assert.equal(routesIn(tableOf(old)).length, 1);
});

Deno.test("of two Ingresses for one path the older one has it, and Gateways share the port", () => {
  const spec = (name: string) => ({
    rules: [{ host: "foo.example", http: { paths: [path("/", name)] } }],
  });
  const table = tableOf(
    gateway("gw", {}),
    ingress("new", spec("b"), { creationTimestamp: "2026-02-01T00:00:00Z" }),
    ingress("old", spec("a")),
  );
  assert.deepEqual(routesIn(table).filter((text) => text.startsWith("80")), [
    "80 foo.example PathPrefix / → default/a:80",
    "80 foo.example PathPrefix / → default/b:80",
  ]);
  assert.equal(new Set(table.listeners.map(({ port }) => port)).size, table.listeners.length);
});

Deno.test("a port may be named; what is no Service, or not there, answers 500", () => {
  const named = { number: undefined, name: "http" };
  const web: Manifest = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "default", name: "web" },
    spec: { clusterIP: "10.96.0.9", ports: [{ name: "http", port: 8080 }] },
  };
  const paths = [
    { path: "/a", pathType: "Prefix", backend: to("web", named) },
    { path: "/b", pathType: "Prefix", backend: { resource: { kind: "Bucket", name: "b" } } },
    { path: "/c", pathType: "Prefix", backend: to("absent") },
  ];
  const { backends, listeners } = tableOf(web, ingress("i", { rules: [{ http: { paths } }] }));
  const routes = (listeners[0] as HttpListener).hosts[0]!.routes;
  const found = routes.map(({ rule }) => backends[rule.shares[0]!.backend]!);
  assert.deepEqual(found.map(({ name, state }) => [name, state]), [
    ["default/web:8080", "empty"],
    ['ingress Bucket "default/b"', "invalid"],
    ["default/absent:80", "invalid"],
  ]);
});

const one = await selfSigned(["*.example"]), other = await selfSigned(["shop.example"]);
const secret = (name: string, certificate = one): Manifest => ({
  kind: "Secret",
  ...tlsSecret(name, certificate),
});
const host = (name: string, to = "a") => ({ host: name, http: { paths: [path("/", to)] } });

/** `host certificate…` of what is served by TLS. */
function shownIn({ listeners }: RouteTable): string[] {
  const names = (all: readonly unknown[] = []) =>
    all.map((each) => each === other ? "other" : "one");
  return (listeners as HttpListener[]).filter(({ isEncrypted }) => isEncrypted)
    .flatMap(({ port, hosts }) =>
      hosts.map(({ hostname, certificates, routes }) =>
        `${port} ${hostname || "any"} ${routes.length} ${
          names(certificates?.map(({ key }) => key === other.key ? other : one))
        }`
      )
    );
}

for (
  const [what, spec, expected] of [
    ["no tls", { rules: [host("a.example")] }, []],
    ["the hosts that tls names, and no other", {
      tls: [{ hosts: ["A.example"], secretName: "one" }],
      rules: [host("a.example"), host("b.example")],
    }, ["443 a.example 1 one"]],
    ["a star for several", {
      tls: [{ hosts: ["*.example"], secretName: "one" }, {
        hosts: ["shop.example"],
        secretName: "other",
      }],
      rules: [host("a.example"), host("shop.example")],
    }, ["443 shop.example 1 other", "443 a.example 1 one"]],
    ["no hosts: those of the rules", {
      tls: [{ secretName: "one" }],
      rules: [host("a.example"), host("b.example")],
    }, ["443 a.example 1 one", "443 b.example 1 one"]],
    ["a rule for all hosts", {
      tls: [{ hosts: ["a.example"], secretName: "one" }],
      rules: [{ http: { paths: [path("/", "a")] } }],
    }, ["443 a.example 1 one"]],
    ["a backend for all that is left", {
      tls: [{ secretName: "one" }],
      defaultBackend: to("a"),
    }, ["443 any 1 one"]],
    ["a Secret that is not there", {
      tls: [{ hosts: ["a.example"], secretName: "none" }, {
        hosts: ["b.example"],
        secretName: "one",
      }],
      rules: [host("a.example"), host("b.example")],
    }, ["443 b.example 1 one"]],
  ] as const
) {
  Deno.test(`by TLS an Ingress serves: ${what}`, () => {
    const table = tableOf(secret("one"), secret("other", other), ingress("i", spec));
    assert.deepEqual(shownIn(table).toSorted(), expected.toSorted());
    const isBroken = what === "a Secret that is not there";
    assert.deepEqual(
      table.problems.map(({ kind, reason }) => `${kind} ${reason}`),
      isBroken ? ["Ingress InvalidCertificateRef"] : [],
    );
  });
}

Deno.test("clients without TLS are sent to it where an Ingress says so and has a certificate", () => {
  const annotations = { "nginx.ingress.kubernetes.io/ssl-redirect": "true" };
  const spec = {
    tls: [{ hosts: ["a.example"], secretName: "one" }],
    rules: [host("a.example"), host("b.example")],
  };
  const redirectsIn = (metadata: object) =>
    (tableOf(secret("one"), ingress("i", spec, metadata)).listeners as HttpListener[])
      .flatMap(({ port, hosts }) =>
        hosts.flatMap(({ hostname, routes }) =>
          routes.flatMap(({ rule: { redirect } }) =>
            redirect ? [`${port} ${hostname} ${redirect.scheme} ${redirect.statusCode}`] : []
          )
        )
      );
  assert.deepEqual(redirectsIn({ annotations }), ["80 a.example https 308"]);
  assert.deepEqual(redirectsIn({}), []);
});

Deno.test("a port of a Gateway that speaks another protocol is not an Ingress's", () => {
  const spec = { tls: [{ hosts: ["a.example"], secretName: "one" }], rules: [host("a.example")] };
  const table = tableOf(secret("one"), ingress("i", spec), gateway("gw", { port: 443 }));
  assert.deepEqual(shownIn(table), []);
  assert.deepEqual(table.problems.map(({ kind, reason, section }) => [kind, reason, section]), [
    ["Ingress", "ProtocolConflict", "443"],
  ]);
});
