import assert from "node:assert/strict";
import type { AnyResource } from "../resource.ts";
import { made, rowOf } from "../resource_fixture.ts";
import { ingressClasses } from "./ingress_classes.ts";
import { ingresses } from "./ingresses.ts";
import { ipAddresses } from "./ip_addresses.ts";
import { networkPolicies } from "./network_policies.ts";
import { serviceCidrs } from "./service_cidrs.ts";

const service = (name: string, port: object = { number: 80 }) => ({ service: { name, port } });
const path = (path: string, pathType?: string, backend: object = service("s")) => ({
  path,
  ...(pathType && { pathType }),
  backend,
});
const paths = (...paths: object[]) => ({ spec: { rules: [{ http: { paths } }] } });
const from = (...peers: object[]) => ({ spec: { ingress: [{ from: peers }] } });
const ports = (...ports: object[]) => ({ spec: { ingress: [{ ports }] } });
const parameters = (fields: object) => ({
  spec: { controller: "a.b/c", parameters: { kind: "K", name: "n", ...fields } },
});
const ranges = (...cidrs: string[]) => ({ spec: { cidrs } });
const block = (cidr: string, ...except: string[]) => ({ ipBlock: { cidr, except } });

const BOTH_FAMILIES =
  "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";

/** The kind, what is created, what is there already, and what is wrong: as a real kube-apiserver 1.34.4 answers. */
const CASES: [AnyResource, object, object | undefined, string[]][] = [
  [
    networkPolicies,
    ports({ endPort: 5 }, { port: "x", endPort: 5 }, { port: 10, endPort: 5 }),
    undefined,
    [
      "spec.ingress[0].ports[0].endPort: Invalid value: 5: may not be specified when `port` is not specified",
      "spec.ingress[0].ports[1].endPort: Invalid value: 5: may not be specified when `port` is non-numeric",
      "spec.ingress[0].ports[2].endPort: Invalid value: 10: must be greater than or equal to `port`",
    ],
  ],
  [networkPolicies, from({}, { podSelector: {}, ...block("10.0.0.0/8") }), undefined, [
    "spec.ingress[0].from[0]: Required value: must specify a peer",
    "spec.ingress[0].from[1]: Forbidden: may not specify both ipBlock and another peer",
  ]],
  [networkPolicies, from({ podSelector: {}, namespaceSelector: {} }), undefined, []],
  [
    networkPolicies,
    from(block("10.0.0.0/8", "11.0.0.0/16", "10.0.0.0/8", "10.1.0.0/16", "::/0")),
    undefined,
    [
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
      'spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
      'spec.ingress[0].from[0].ipBlock.except[3]: Invalid value: "::/0": must be a strict subset of `cidr`',
    ],
  ],
  [networkPolicies, { spec: { policyTypes: ["Ingress", "Egress", "Ingress"] } }, undefined, [
    'spec.policyTypes: Invalid value: ["Ingress","Egress","Ingress"]: may not specify more than two policyTypes',
  ]],
  [ingresses, {}, undefined, [
    "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified",
  ]],
  [
    ingresses,
    paths(
      path("/"),
      path("x", "Exact"),
      path("/a/../b/.", "Prefix"),
      path("x", "ImplementationSpecific"),
    ),
    undefined,
    [
      "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified",
      'spec.rules[0].http.paths[1].path: Invalid value: "x": must be an absolute path',
      "spec.rules[0].http.paths[2].path: Invalid value: \"/a/../b/.\": must not contain '/../'",
      "spec.rules[0].http.paths[2].path: Invalid value: \"/a/../b/.\": cannot end with '/.'",
      'spec.rules[0].http.paths[3].path: Invalid value: "x": must be an absolute path',
    ],
  ],
  [ingresses, paths(path("/", "Other")), undefined, [
    'spec.rules[0].http.paths[0].pathType: Unsupported value: "Other": supported values: "Exact", "ImplementationSpecific", "Prefix"',
  ]],
  [
    ingresses,
    paths(
      path("/", "Exact", {}),
      path("/", "Exact", service("s", {})),
      path("/", "Exact", service("s", { name: "x", number: 1 })),
      path("/", "Exact", { ...service("s"), resource: { kind: "K", name: "n" } }),
      path("/", "Exact", { resource: { kind: "a/b", name: ".." } }),
    ),
    undefined,
    [
      'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required',
      "spec.rules[0].http.paths[1].backend: Required value: port name or number is required",
      'spec.rules[0].http.paths[2].backend: Invalid value: "": cannot set both port name & port number',
      'spec.rules[0].http.paths[3].backend: Invalid value: "": cannot set both resource and service backends',
      "spec.rules[0].http.paths[4].backend.resource.kind: Invalid value: \"a/b\": may not contain '/'",
      "spec.rules[0].http.paths[4].backend.resource.name: Invalid value: \"..\": may not be '..'",
    ],
  ],
  [ingresses, { spec: { rules: [{ host: "1.2.3.4" }] } }, undefined, [
    'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
  ]],
  [
    ingresses,
    {
      metadata: { annotations: { "kubernetes.io/ingress.class": "b" } },
      spec: { ingressClassName: "a", defaultBackend: service("s") },
    },
    undefined,
    [
      'annotations.kubernetes.io/ingress.class: Invalid value: "b": must match `ingressClassName` when both are specified',
    ],
  ],
  [ingressClasses, {}, undefined, ["spec.controller: Required value"]],
  [ingressClasses, { spec: { controller: "x" } }, undefined, [
    'spec.controller: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")',
  ]],
  [ingressClasses, parameters({ scope: "Namespace" }), undefined, [
    "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
  ]],
  [ingressClasses, parameters({ namespace: "x" }), undefined, [
    "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
  ]],
  [ingressClasses, { spec: { controller: "d.e/f" } }, { spec: { controller: "a.b/c" } }, [
    'spec.controller: Invalid value: "d.e/f": field is immutable',
  ]],
  [ipAddresses, {}, undefined, ["spec.parentRef: Required value"]],
  [ipAddresses, { spec: { parentRef: {} } }, undefined, [
    "spec.parentRef.resource: Required value",
    "spec.parentRef.name: Required value",
  ]],
  [serviceCidrs, {}, undefined, ["spec.cidrs: Required value: at least one CIDR required"]],
  [serviceCidrs, ranges("a", "010.0.0.0/8"), undefined, [
    'spec.cidrs[0]: Invalid value: "a": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    'spec.cidrs[1]: Invalid value: "010.0.0.0/8": must not have leading 0s in IP or prefix length',
  ]],
  [serviceCidrs, ranges("10.0.0.1/8"), undefined, [
    'spec.cidrs[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
  ]],
  [serviceCidrs, ranges("10.0.0.0/8", "11.0.0.0/8"), undefined, [
    `spec.cidrs: Invalid value: ["10.0.0.0/8","11.0.0.0/8"]: ${BOTH_FAMILIES}`,
  ]],
  [serviceCidrs, ranges("10.0.0.0/8", "fd00::/112"), ranges("10.0.0.0/8"), []],
  [serviceCidrs, ranges("11.0.0.0/8"), ranges("10.0.0.0/8"), [
    'spec.cidrs[0]: Invalid value: "11.0.0.0/8": field is immutable',
  ]],
];

for (const [index, [resource, manifest, before, expected]] of CASES.entries()) {
  Deno.test(`${resource.kind}: case ${index} has ${expected.length} faults`, () => {
    const previous = before && made(resource, before).object;
    assert.deepEqual(made(resource, manifest, previous).causes, expected);
  });
}

Deno.test("ranges that a NetworkPolicy had may stay, and those that are written oddly are warned about", () => {
  const { object } = made(networkPolicies, from(block("10.0.0.0/8")));
  const odd = { ...object, spec: { ...object.spec, ...from({ ipBlock: { cidr: "x" } }).spec } };
  assert.deepEqual(made(networkPolicies, from({ ipBlock: { cidr: "x" } }), odd).causes, []);
  assert.deepEqual(
    made(networkPolicies, from(block("010.1.2.3/08"), block("FE80::/64")), object).warnings,
    [
      'spec.ingress[0].from[0].ipBlock.cidr: CIDR value "010.1.2.3/08" is ambiguous in this context (should be "10.0.0.0/8" or "10.1.2.3/32"?)',
      'spec.ingress[0].from[0].ipBlock.cidr: non-standard CIDR value "010.1.2.3/08" will be considered invalid in a future Kubernetes release: use "10.0.0.0/8"',
      'spec.ingress[0].from[1].ipBlock.cidr: IPv6 CIDR value "FE80::/64" should be in RFC 5952 canonical format ("fe80::/64")',
    ],
  );
});

Deno.test("a NetworkPolicy is about what it has rules for, and says that it restricts nothing yet", () => {
  const { object, warnings } = made(networkPolicies, { spec: { egress: [{}] } });
  assert.deepEqual(object.spec, {
    egress: [{}],
    podSelector: {},
    policyTypes: ["Ingress", "Egress"],
  });
  assert.deepEqual(warnings, [
    "NetworkPolicy: not implemented in this version of Coracle; traffic is not restricted by it",
  ]);
});

Deno.test("kubectl shows the hosts of an Ingress, and where it can be reached", () => {
  const rules = ["a.b", "c.d", undefined, "e.f", "g.h"].map((host) => ({ ...(host && { host }) }));
  const { object } = made(ingresses, { spec: { rules, tls: [{ hosts: ["a.b"] }] } });
  const loadBalancer = { ingress: [{ ip: "10.0.0.2" }, { hostname: "x.y" }, { ip: "10.0.0.2" }] };
  assert.deepEqual(rowOf(ingresses, { ...object, status: { loadBalancer } }), {
    Name: "web",
    Class: "<none>",
    Hosts: "a.b,c.d,e.f + 2 more...",
    Address: "10.0.0.2,x.y",
    Ports: "80, 443",
    Age: "5m",
  });
  const bad = { loadBalancer: { ingress: [{ ip: "x" }, { hostname: "1.2.3.4" }] } };
  const causes = ingresses.validateStatus!({ ...object, status: bad }, object);
  assert.deepEqual(causes.map(({ field }) => field), [
    "status.loadBalancer.ingress[0].ip",
    "status.loadBalancer.ingress[1].hostname",
  ]);
});

Deno.test("an IPAddress is named by an address in its canonical form", () => {
  const faults = (name: string) => ipAddresses.nameFaults(name);
  assert.deepEqual(faults("10.0.0.1"), []);
  assert.deepEqual(faults("fe80::0:1"), ['must be in canonical form ("fe80::1")']);
  assert.deepEqual(faults("010.0.0.1"), ["must not have leading 0s"]);
  assert.deepEqual(faults("::ffff:1.2.3.4"), ["must not be an IPv4-mapped IPv6 address"]);
  assert.equal(faults("x").length, 1);
  const { object } = made(ipAddresses, {
    spec: { parentRef: { resource: "services", namespace: "default", name: "s" } },
  });
  assert.equal(rowOf(ipAddresses, object)["ParentRef"], "services/default/s");
});
