import assert from "node:assert/strict";
import { made, rowOf } from "../../resource_fixture.ts";
import { services } from "./services.ts";

const web = {
  apiVersion: "v1",
  kind: "Service",
  spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
};

function serviceWith(spec: object): object {
  return { ...web, spec: { ...web.spec, ...spec } };
}

Deno.test("a Service gets the defaults that Kubernetes gives it", () => {
  const { object, causes, warnings } = made(services, web);
  assert.deepEqual({ causes, warnings }, { causes: [], warnings: [] });
  assert.deepEqual(object.spec, {
    selector: { app: "web" },
    ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
    type: "ClusterIP",
    sessionAffinity: "None",
    internalTrafficPolicy: "Cluster",
  });
  assert.deepEqual(object.status, { loadBalancer: {} });
  assert.deepEqual(made(services, object).object, object);
});

for (
  const [name, spec, defaults] of [
    ["node ports", { type: "NodePort" }, { externalTrafficPolicy: "Cluster" }],
    ["a load balancer", { type: "LoadBalancer" }, {
      externalTrafficPolicy: "Cluster",
      allocateLoadBalancerNodePorts: true,
    }],
    ["an affinity", { sessionAffinity: "ClientIP" }, {
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
    }],
    ["an address", { clusterIP: "10.0.0.7" }, { clusterIPs: ["10.0.0.7"] }],
    ["no address", { clusterIP: "None" }, { clusterIPs: ["None"] }],
  ] as const
) {
  Deno.test(`a Service with ${name} gets the defaults of that`, () => {
    const { object } = made(services, serviceWith(spec));
    for (const [field, value] of Object.entries(defaults)) {
      assert.deepEqual(object.spec[field as "type"], value);
    }
  });
}

Deno.test("a Service that becomes internal drops what only others have", () => {
  const { object: previous } = made(services, serviceWith({ type: "LoadBalancer" }));
  const next = { ...previous, spec: { ...previous.spec, type: "ClusterIP" } };
  const { object, causes } = made(services, next, previous);
  assert.deepEqual(causes, []);
  assert.equal(object.spec.externalTrafficPolicy, undefined);
  assert.equal(object.spec.allocateLoadBalancerNodePorts, undefined);
});

for (
  const [name, before, after, field] of [
    ["its external addresses", { externalIPs: ["192.0.2.1"] }, {
      externalIPs: [],
    }, "externalTrafficPolicy"],
    [
      "its local traffic policy",
      {
        type: "LoadBalancer",
        externalTrafficPolicy: "Local",
        healthCheckNodePort: 30123,
      },
      { externalTrafficPolicy: "Cluster" },
      "healthCheckNodePort",
    ],
  ] as const
) {
  Deno.test(`a Service that loses ${name} drops what only came with it`, () => {
    const { object: previous } = made(services, serviceWith(before));
    assert.notEqual(previous.spec[field], undefined);
    const next = { ...previous, spec: { ...previous.spec, ...after } };
    const { object, causes } = made(services, next, previous);
    assert.deepEqual(causes, []);
    assert.equal(object.spec[field], undefined);
  });
}

const two = [{ port: 80, name: "a" }, { port: 81, name: "b" }];

for (
  const [name, spec, causes] of [
    ["no ports", { ports: [] }, ["spec.ports: Required value"]],
    ["ports without names", { ports: [{ port: 80 }, { port: 81, name: "b" }] }, [
      "spec.ports[0].name: Required value",
    ]],
    ["ports of one name", { ports: [two[0], { ...two[1], name: "a" }] }, [
      'spec.ports[1].name: Duplicate value: "a"',
    ]],
    ["a port out of range", { ports: [{ port: 0 }] }, [
      "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
      "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
    ]],
    ["a node port of an internal Service", { ports: [{ port: 80, nodePort: 30080 }] }, [
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ]],
    ["one node port twice", {
      type: "NodePort",
      ports: two.map((port) => ({ ...port, nodePort: 30080 })),
    }, ["spec.ports[1].nodePort: Duplicate value: 30080"]],
    ["a name elsewhere that is missing", { type: "ExternalName" }, [
      "spec.externalName: Required value",
    ]],
    ["node ports without an address", { type: "NodePort", clusterIP: "None" }, [
      "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services",
    ]],
    ["a policy for traffic that cannot come", { externalTrafficPolicy: "Local" }, [
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ]],
    ["a type that is none", { type: "Magic" }, [
      'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ]],
  ] as const
) {
  Deno.test(`a Service is refused for ${name}`, () => {
    assert.deepEqual(made(services, serviceWith(spec)).causes, causes);
  });
}

Deno.test("headless Services and names elsewhere need no ports", () => {
  assert.deepEqual(made(services, serviceWith({ ports: [], clusterIP: "None" })).causes, []);
  const elsewhere = { type: "ExternalName", externalName: "example.com.", ports: [] };
  assert.deepEqual(made(services, serviceWith(elsewhere)).causes, []);
});

Deno.test("the address of a Service stays", () => {
  const { object: previous } = made(services, serviceWith({ clusterIP: "10.0.0.7" }));
  const { causes } = made(services, serviceWith({ clusterIP: "10.0.0.8" }), previous);
  assert.deepEqual(causes, [
    'spec.clusterIPs[0]: Invalid value: ["10.0.0.8"]: may not change once set',
  ]);
});

for (
  const [spec, row] of [
    [{ clusterIP: "10.0.0.7" }, {
      Type: "ClusterIP",
      "Cluster-IP": "10.0.0.7",
      "External-IP": "<none>",
      "Port(s)": "80/TCP",
      Selector: "app=web",
    }],
    [{ type: "NodePort", ports: [{ port: 80, nodePort: 30080 }, { port: 53, protocol: "UDP" }] }, {
      "Cluster-IP": "<none>",
      "Port(s)": "80:30080/TCP,53/UDP",
    }],
    [{ type: "LoadBalancer" }, { "External-IP": "<pending>" }],
    [{ type: "ExternalName", externalName: "example.com", ports: [], selector: {} }, {
      "External-IP": "example.com",
      "Port(s)": "<none>",
      Selector: "<none>",
    }],
  ] as const
) {
  Deno.test(`kubectl shows ${JSON.stringify(spec)} as ${JSON.stringify(row)}`, () => {
    const shown = rowOf(services, made(services, serviceWith(spec)).object, { wide: true });
    for (const [column, text] of Object.entries(row)) assert.equal(shown[column], text, column);
  });
}

Deno.test("a condition of a Service is taken as it comes, as by Kubernetes", () => {
  const status = { loadBalancer: {}, conditions: [{ type: "Ready", status: "True" }] };
  const { object, causes } = made(services, { ...web, status });
  assert.deepEqual(causes, []);
  assert.deepEqual(object.status, {
    loadBalancer: {},
    conditions: [{ type: "Ready", status: "True", reason: "", message: "" }],
  });
});
