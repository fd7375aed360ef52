import assert from "node:assert/strict";
import { podDisruptionBudgets } from "../policy/pod_disruption_budgets.ts";
import { made, rowOf } from "../resource_fixture.ts";
import { componentStatuses } from "./component_statuses.ts";
import { type Endpoints, endpoints } from "./endpoints.ts";
import type { AdmissionContext } from "../admission.ts";
import type { Cause } from "../../schema/causes.ts";
import { podTemplates } from "./pod_templates.ts";
import { replicationControllers } from "./replication_controllers.ts";

const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "web:1" }] },
};

Deno.test("a ReplicationController has the labels and the selector of its template", () => {
  const { object, causes, warnings } = made(replicationControllers, { spec: { template } });
  assert.deepEqual(causes, []);
  assert.deepEqual(warnings, []);
  assert.deepEqual(object.metadata.labels, { app: "web" });
  assert.deepEqual(object.spec.selector, { app: "web" });
  assert.equal(object.spec.replicas, 1);
  assert.deepEqual(rowOf(replicationControllers, object, { wide: true }), {
    Name: "web",
    Desired: 1,
    Current: 0,
    Ready: 0,
    Age: "5m",
    Containers: "web",
    Images: "web:1",
    Selector: "app=web",
  });
});

for (
  const [name, spec, causes] of [
    ["a template without labels", { template: { spec: template.spec } }, [
      "spec.selector: Required value",
    ]],
    ["an empty selector", { template: { spec: template.spec }, selector: {} }, [
      "spec.selector: Required value",
    ]],
    ["a selector for others", { template, selector: { app: "db" } }, [
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ]],
    ["pods that end", {
      template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } },
    }, [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]],
  ] as const
) {
  Deno.test(`a ReplicationController is refused for ${name}`, () => {
    assert.deepEqual(made(replicationControllers, { spec }).causes, causes);
  });
}

Deno.test("an empty selector of a ReplicationController is that of its template", () => {
  const { object } = made(replicationControllers, { spec: { template, selector: {} } });
  assert.deepEqual(object.spec.selector, { app: "web" });
});

Deno.test("the numbers of a ReplicationController have to add up", () => {
  const { object } = made(replicationControllers, { spec: { template } });
  const status = { replicas: 1, readyReplicas: 2, availableReplicas: 3 };
  const causes = replicationControllers.validateStatus!({ ...object, status }, object);
  assert.deepEqual(causes.map(({ field, message }) => `${field}: ${message}`), [
    "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas",
    "status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas",
    "status.availableReplicas: Invalid value: 3: cannot be greater than readyReplicas",
  ]);
});

Deno.test("a PodTemplate is checked and filled as the templates of others", () => {
  const { object, causes } = made(podTemplates, { template });
  assert.deepEqual(causes, []);
  assert.equal(object.template.spec.dnsPolicy, "ClusterFirst");
  assert.deepEqual(rowOf(podTemplates, object), {
    Name: "web",
    Containers: "web",
    Images: "web:1",
    "Pod Labels": "app=web",
  });
  const twice = { ...template.spec.containers[0], name: "web" };
  const spec = { containers: [...template.spec.containers, twice] };
  assert.deepEqual(made(podTemplates, { template: { ...template, spec } }).causes, [
    'template.spec.containers[1].name: Duplicate value: "web"',
  ]);
});

Deno.test("Endpoints name addresses that others can reach", () => {
  const set = (ip: string, ports: object[] = [{ port: 80 }]) => ({
    subsets: [{ addresses: [{ ip }], ports }],
  });
  const { object, causes } = made(endpoints, set("10.0.0.1"));
  assert.deepEqual(causes, []);
  assert.deepEqual(object.subsets![0]!.ports, [{ port: 80, protocol: "TCP" }]);
  assert.equal(rowOf(endpoints, object)["Endpoints"], "10.0.0.1:80");
  const refused = (isOwn: boolean) => {
    const causes: Cause[] = [];
    const context = { isOwn, causes } as unknown as AdmissionContext<Endpoints>; // the rest is not asked for
    endpoints.admit!(made(endpoints, set("127.0.0.1")).object, undefined, context);
    return causes.map(({ field, message }) => `${field}: ${message}`);
  };
  assert.deepEqual(refused(false), [
    'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
  ]);
  assert.deepEqual(refused(true), []);
  assert.deepEqual(made(endpoints, set("x")).causes, [
    'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address',
  ]);
  assert.deepEqual(made(endpoints, set("10.0.0.1", [{ port: 0 }, { name: "b", port: 1 }])).causes, [
    "subsets[0].ports[0].name: Required value",
    "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
  ]);
  assert.deepEqual(made(endpoints, { subsets: [{ ports: [{ port: 1 }] }] }).causes, [
    "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`",
  ]);
});

Deno.test("kubectl shows the first three of all Endpoints", () => {
  const addresses = ["10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"].map((ip) => ({ ip }));
  const { object } = made(endpoints, { subsets: [{ addresses, ports: [{ port: 80 }] }] });
  assert.equal(
    rowOf(endpoints, object)["Endpoints"],
    "10.0.0.1:80,10.0.0.2:80,[fd00::1]:80 + 1 more...",
  );
  assert.equal(rowOf(endpoints, made(endpoints, {}).object)["Endpoints"], "<none>");
});

Deno.test("a part of the control plane is as healthy as the server", async () => {
  const metrics = () => Promise.resolve([]);
  const [well] = await componentStatuses.madeUp!({ serverFault: undefined, metrics });
  assert.deepEqual(rowOf(componentStatuses, well!), {
    Name: "controller-manager",
    Status: "Healthy",
    Message: "ok",
    Error: "",
  });
  const [, ill] = await componentStatuses.madeUp!({ serverFault: "no owner", metrics });
  assert.deepEqual(rowOf(componentStatuses, ill!), {
    Name: "scheduler",
    Status: "Unhealthy",
    Message: "",
    Error: "no owner",
  });
});

Deno.test("a budget for disruptions is a number or a share, of one sort", () => {
  const selector = { matchLabels: { app: "web" } };
  const causesOf = (spec: object) => made(podDisruptionBudgets, { spec }).causes;
  const { object } = made(podDisruptionBudgets, { spec: { selector, minAvailable: "50%" } });
  assert.deepEqual(object.status, {
    disruptionsAllowed: 0,
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
  });
  assert.deepEqual(rowOf(podDisruptionBudgets, object), {
    Name: "web",
    "Min Available": "50%",
    "Max Unavailable": "N/A",
    "Allowed Disruptions": 0,
    Age: "5m",
  });
  assert.deepEqual(causesOf({ minAvailable: 1, maxUnavailable: -1 }), [
    'spec: Invalid value: {"minAvailable":1,"maxUnavailable":-1}: minAvailable and maxUnavailable cannot be both set',
    "spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0",
  ]);
  assert.deepEqual(causesOf({ minAvailable: "101%", unhealthyPodEvictionPolicy: "Never" }), [
    'spec.minAvailable: Invalid value: "101%": must not be greater than 100%',
    'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"',
  ]);
});
