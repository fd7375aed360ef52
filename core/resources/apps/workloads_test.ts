import assert from "node:assert/strict";
import { deployments } from "./deployments.ts";
import { replicaSets } from "./replica_sets.ts";
import { made, rowOf } from "../resource_fixture.ts";

/** https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#creating-a-deployment */
const nginx = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "nginx-deployment", labels: { app: "nginx" } },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "nginx" } },
    template: {
      metadata: { labels: { app: "nginx" } },
      spec: {
        containers: [{ name: "nginx", image: "nginx:1.14.2", ports: [{ containerPort: 80 }] }],
      },
    },
  },
};

function causesOf(change: object): string[] {
  return made(deployments, { ...nginx, spec: { ...nginx.spec, ...change } }).causes;
}

Deno.test("the deployment of the Kubernetes documents comes back as Kubernetes gives it back", () => {
  const { object, causes, warnings } = made(deployments, nginx);
  assert.deepEqual({ causes, warnings }, { causes: [], warnings: [] });
  assert.deepEqual(object.spec, {
    progressDeadlineSeconds: 600,
    replicas: 3,
    revisionHistoryLimit: 10,
    selector: { matchLabels: { app: "nginx" } },
    strategy: { rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" }, type: "RollingUpdate" },
    template: {
      metadata: { labels: { app: "nginx" } },
      spec: {
        containers: [{
          image: "nginx:1.14.2",
          imagePullPolicy: "IfNotPresent",
          name: "nginx",
          ports: [{ containerPort: 80, protocol: "TCP" }],
          resources: {},
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
        }],
        dnsPolicy: "ClusterFirst",
        restartPolicy: "Always",
        schedulerName: "default-scheduler",
        securityContext: {},
        terminationGracePeriodSeconds: 30,
      },
    },
  });
  assert.deepEqual(object.status, {});
  assert.deepEqual(made(deployments, object).object, object);
});

Deno.test("a deployment that recreates has no bounds", () => {
  const { object } = made(deployments, {
    ...nginx,
    spec: { ...nginx.spec, strategy: { type: "Recreate" } },
  });
  assert.deepEqual(object.spec.strategy, { type: "Recreate" });
});

const template = nginx.spec.template;

for (
  const [name, change, causes] of [
    ["a selector for other labels", { selector: { matchLabels: { app: "web" } } }, [
      'spec.template.metadata.labels: Invalid value: {"app":"nginx"}: `selector` does not match template `labels`',
    ]],
    ["a label that is none", {
      template: { ...template, metadata: { labels: { app: "nginx", "a b": "" } } },
    }, [
      "spec.template.labels: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ]],
    ["an empty selector", { selector: {} }, [
      "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
    ]],
    ["pods that may end", {
      template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } },
    }, [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]],
    ["bounds that let nothing happen", {
      strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } },
    }, [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
    ]],
    ["a share that is none", { strategy: { rollingUpdate: { maxSurge: "many" } } }, [
      "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"many\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ]],
    ["more than all", { strategy: { rollingUpdate: { maxUnavailable: "101%" } } }, [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ]],
    ["bounds that are not used", {
      strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } },
    }, [
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ]],
    ["a deadline before pods can be available", {
      minReadySeconds: 60,
      progressDeadlineSeconds: 60,
    }, [
      "spec.progressDeadlineSeconds: Invalid value: 60: must be greater than minReadySeconds",
    ]],
    ["a negative number of pods", { replicas: -1 }, [
      "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ]],
    ["a mistake in its template", {
      template: { ...template, spec: { containers: [{ name: "a" }] } },
    }, ["spec.template.spec.containers[0].image: Required value"]],
  ] as const
) {
  Deno.test(`a deployment is refused for ${name}`, () => {
    assert.deepEqual(causesOf(change), causes);
  });
}

Deno.test("the selector of what makes pods cannot change", () => {
  const labels = { app: "nginx", tier: "front" };
  const spec = {
    ...nginx.spec,
    selector: { matchLabels: labels },
    template: { ...template, metadata: { labels } },
  };
  const causes = [
    'spec.selector: Invalid value: {"matchLabels":{"app":"nginx","tier":"front"}}: field is immutable',
  ];
  const deployment = made(deployments, nginx).object;
  assert.deepEqual(made(deployments, { ...nginx, spec }, deployment).causes, causes);
  const replicaSet = made(replicaSets, nginx).object;
  assert.deepEqual(made(replicaSets, { ...nginx, spec }, replicaSet).causes, causes);
});

Deno.test("kubectl shows a deployment with its numbers, and what it runs when asked", () => {
  const status = { replicas: 4, updatedReplicas: 2, readyReplicas: 3, availableReplicas: 1 };
  const { object } = made(deployments, { ...nginx, status });
  assert.deepEqual(rowOf(deployments, object, { wide: true }), {
    Name: "nginx-deployment",
    Ready: "3/3",
    "Up-to-date": 2,
    Available: 1,
    Age: "5m",
    Containers: "nginx",
    Images: "nginx:1.14.2",
    Selector: "app=nginx",
  });
});

Deno.test("kubectl shows a ReplicaSet with its numbers", () => {
  const { object } = made(replicaSets, { ...nginx, kind: "ReplicaSet" });
  assert.deepEqual(object.status, { replicas: 0 });
  assert.deepEqual(rowOf(replicaSets, object), {
    Name: "nginx-deployment",
    Desired: 3,
    Current: 0,
    Ready: 0,
    Age: "5m",
  });
  assert.equal(replicaSets.fields["status.replicas"]!(object), "0");
});
