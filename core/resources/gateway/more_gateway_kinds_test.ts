import assert from "node:assert/strict";
import type { AnyResource } from "../resource.ts";
import { made, rowOf } from "../resource_fixture.ts";
import { backendTlsPolicies } from "./backend_tls_policies.ts";
import { gatewayClasses } from "./gateway_classes.ts";
import { gateways } from "./gateways.ts";
import { grpcRoutes } from "./grpc_routes.ts";
import { httpRoutes } from "./http_routes.ts";
import { referenceGrants } from "./reference_grants.ts";

const rule = (fields: object) => ({ spec: { rules: [fields] } });
const service = { group: "", kind: "Service", name: "s" };
const policy = (targetRefs: object[], validation: object = {}) => ({
  spec: {
    targetRefs,
    validation: { hostname: "a.b", wellKnownCACertificates: "System", ...validation },
  },
});

/** The kind, what is created, and what is wrong: as a real kube-apiserver with the Gateway API's definitions answers. */
const CASES: [AnyResource, object, string[]][] = [
  [grpcRoutes, {}, ["spec: Required value"]],
  [grpcRoutes, rule({ backendRefs: [{ name: "s", port: 80 }] }), []],
  [grpcRoutes, { spec: { parentRefs: [{ name: "g" }, { name: "g", sectionName: "a" }] } }, [
    'spec.parentRefs: Invalid value: "array": sectionName must be specified when parentRefs includes 2 or more references to the same parent',
  ]],
  [grpcRoutes, { spec: { parentRefs: [{ name: "g" }, { name: "g" }, { name: "h" }] } }, [
    'spec.parentRefs: Invalid value: "array": sectionName must be unique when parentRefs includes 2 or more references to the same parent',
  ]],
  [grpcRoutes, rule({ matches: [{ method: {} }, { method: { service: "1a", method: "a-b" } }] }), [
    "spec.rules[0].matches[0].method: Invalid value: \"object\": One or both of 'service' or 'method' must be specified",
    'spec.rules[0].matches[1].method: Invalid value: "object": service must only contain valid characters (matching ^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$)',
    'spec.rules[0].matches[1].method: Invalid value: "object": method must only contain valid characters (matching ^[A-Za-z_][A-Za-z_0-9]*$)',
  ]],
  [grpcRoutes, rule({ backendRefs: [{ name: "s" }], filters: [{ type: "RequestMirror" }] }), [
    'spec.rules[0].filters[0]: Invalid value: "object": filter.requestMirror must be specified for RequestMirror filter.type',
    'spec.rules[0].backendRefs[0]: Invalid value: "object": Must have port for Service reference',
  ]],
  [grpcRoutes, { spec: { rules: Array(3).fill({ matches: Array(64).fill({}) }) } }, [
    'spec.rules: Invalid value: "array": While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128',
  ]],
  [backendTlsPolicies, policy([service]), []],
  [backendTlsPolicies, policy([{ kind: "Service", name: "s" }]), [
    "spec.targetRefs[0].group: Required value",
  ]],
  [backendTlsPolicies, policy([service, service]), [
    'spec.targetRefs: Invalid value: "array": sectionName must be unique when targetRefs includes 2 or more references to the same target',
  ]],
  [
    backendTlsPolicies,
    policy([service], { caCertificateRefs: [{ ...service, kind: "ConfigMap" }] }),
    [
      'spec.validation: Invalid value: "object": must not contain both CACertificateRefs and WellKnownCACertificates',
    ],
  ],
  [backendTlsPolicies, { spec: { targetRefs: [service], validation: { hostname: "a.b" } } }, [
    'spec.validation: Invalid value: "object": must specify either CACertificateRefs or WellKnownCACertificates',
  ]],
  [
    backendTlsPolicies,
    policy([service], { subjectAltNames: [{ type: "Hostname", uri: "a://b" }] }),
    [
      'spec.validation.subjectAltNames[0]: Invalid value: "object": SubjectAltName element must contain Hostname, if Type is set to Hostname',
      'spec.validation.subjectAltNames[0]: Invalid value: "object": SubjectAltName element must not contain URI, if Type is not set to URI',
    ],
  ],
  [referenceGrants, {
    spec: { from: [{ kind: "K", namespace: "n" }], to: [{ group: "", kind: "S_" }] },
  }, [
    "spec.to[0].kind: Invalid value: \"S_\": spec.to[0].kind in body should match '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$'",
    "spec.from[0].group: Required value",
  ]],
];

for (const [index, [resource, manifest, expected]] of CASES.entries()) {
  Deno.test(`${resource.kind}: case ${index} has ${expected.length} faults`, () => {
    assert.deepEqual(made(resource, manifest).causes, expected);
  });
}

Deno.test("kinds that are older than v1 are served as v1beta1 too, and stored as v1", () => {
  for (const resource of [gatewayClasses, gateways, httpRoutes] as readonly AnyResource[]) {
    const [beta] = resource.servedVersions;
    assert.equal(beta?.version, "v1beta1");
    const stored = { apiVersion: "gateway.networking.k8s.io/v1", kind: resource.kind, spec: {} };
    const shown = beta.fromStored(stored) as { apiVersion: string };
    assert.equal(shown.apiVersion, "gateway.networking.k8s.io/v1beta1");
    assert.deepEqual(beta.toStored(shown), stored);
  }
  assert.equal(referenceGrants.version, "v1beta1");
});

Deno.test("a GRPCRoute shows its hosts, and says that nothing is routed yet", () => {
  const { object, warnings } = made(grpcRoutes, { spec: { hostnames: ["a.b"] } });
  assert.equal(rowOf(grpcRoutes, object)["Hostnames"], '["a.b"]');
  assert.deepEqual(warnings, [
    "GRPCRoute: not implemented in this version of Coracle; no request is routed by it",
  ]);
});
