import assert from "node:assert/strict";
import fc from "fast-check";
import type { Rollout } from "../../../resources/argoproj/mod.ts";
import { podTemplate } from "../../../resources/core/pods/spec/pod_spec.ts";
import { goJson } from "./go_json.ts";
import { stepHashOf, templateHashOf } from "./template_hash.ts";

/** What has all that Go writes in its own way; its hashes and its JSON are those of k8s.io/api 0.29.3. */
const RICH = {
  metadata: { labels: { b: "2", app: "web" }, annotations: { note: 'a<b> & "c"\u2028' } },
  spec: {
    volumes: [{ name: "data", emptyDir: {} }, {
      name: "claim",
      ephemeral: { volumeClaimTemplate: { spec: { accessModes: ["ReadWriteOnce"] } } },
    }],
    hostNetwork: false,
    nodeSelector: { z: "1", a: "2" },
    restartPolicy: "",
    terminationGracePeriodSeconds: 0,
    containers: [{
      image: "nginx",
      name: "web",
      args: [],
      env: [
        { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
        { value: "", name: "EMPTY" },
      ],
      ports: [{ protocol: "TCP", containerPort: 80, hostPort: 0 }],
      readinessProbe: { periodSeconds: 0, httpGet: { port: "http", httpHeaders: [{ name: "x" }] } },
      resources: { requests: { memory: "1536Mi", cpu: 0.001 }, limits: { cpu: "1000m" } },
      securityContext: {
        runAsNonRoot: false,
        privileged: false,
        capabilities: { drop: ["ALL"] },
      },
      stdin: false,
    }],
  },
};
const RICH_JSON =
  '{"metadata":{"creationTimestamp":null,"labels":{"app":"web","b":"2"},"annotations":{"note":"a\\u003cb\\u003e \\u0026 \\"c\\"\\u2028"}},' +
  '"spec":{"volumes":[{"name":"data","emptyDir":{}},{"name":"claim","ephemeral":{"volumeClaimTemplate":{"metadata":{"creationTimestamp":null},"spec":{"accessModes":["ReadWriteOnce"],"resources":{}}}}}],' +
  '"containers":[{"name":"web","image":"nginx","ports":[{"containerPort":80,"protocol":"TCP"}],' +
  '"env":[{"name":"CPU","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"0"}}},{"name":"EMPTY"}],' +
  '"resources":{"limits":{"cpu":"1"},"requests":{"cpu":"1m","memory":"1536Mi"}},' +
  '"readinessProbe":{"httpGet":{"port":"http","httpHeaders":[{"name":"x","value":""}]}},' +
  '"securityContext":{"capabilities":{"drop":["ALL"]},"privileged":false,"runAsNonRoot":false}}],' +
  '"terminationGracePeriodSeconds":0,"nodeSelector":{"a":"2","z":"1"}}}';

function nginx(app: string, more: object = {}) {
  return {
    metadata: { labels: { app } },
    spec: {
      containers: [{
        name: app,
        image: "nginx:1.19-alpine",
        ports: [{ name: "http", containerPort: 80, protocol: "TCP" }],
        resources: { requests: { memory: "16Mi", cpu: "5m" } },
      }],
      ...more,
    },
  };
}

Deno.test("a template has the hash that Argo Rollouts gives it", () => {
  const readinessGates = [{ conditionType: "argoproj.io/e2e-readiness" }];
  const cases: [object, number | undefined, string][] = [
    [nginx("canary-scaledowndelay"), undefined, "66597877b7"], // as Argo's own tests have it
    [nginx("dynamic-stable-scale", { readinessGates }), undefined, "868d98995b"],
    [RICH, undefined, "6b754f85b7"],
    [RICH, 3, "7f57b4f56"],
    [{ spec: {} }, undefined, "76bbb58f74"],
    [{ spec: {} }, 3, "7b4dbdd9b5"],
  ];
  for (const [template, collisions, hash] of cases) {
    assert.equal(templateHashOf(template as { spec: object }, collisions), hash);
  }
});

Deno.test("a template becomes the JSON that Go makes of its struct", () => {
  assert.equal(goJson(podTemplate, RICH), RICH_JSON);
});

Deno.test("the hash does not depend on the order of fields, on what is empty, nor on how amounts are written", () => {
  const label = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.string());
  fc.assert(fc.property(label, fc.nat(5000), (labels, millis) => {
    const template = (cpu: unknown, metadata: object) => ({
      metadata,
      spec: { containers: [{ name: "a", resources: { requests: { cpu } } }] },
    });
    const reversed = Object.fromEntries(Object.entries(labels).reverse());
    assert.equal(
      templateHashOf(template(`${millis}m`, { labels })),
      templateHashOf(template(millis / 1000, { annotations: {}, labels: reversed })),
    );
  }));
});

Deno.test("collisions, annotations and images change the hash", () => {
  const hashes = [
    templateHashOf(nginx("a")),
    templateHashOf(nginx("a"), 0),
    templateHashOf(nginx("a"), 1),
    templateHashOf(nginx("b")),
    templateHashOf({ ...nginx("a"), metadata: { annotations: { rev: "two" } } }),
  ];
  assert.equal(new Set(hashes).size, hashes.length);
});

Deno.test("the hash of steps changes with them, and is empty without a canary", () => {
  const of = (strategy: object) => stepHashOf({ spec: { strategy } } as Rollout);
  assert.equal(of({ blueGreen: { activeService: "a" } }), "");
  assert.equal(of({}), "");
  const one = of({ canary: { steps: [{ setWeight: 10 }] } });
  assert.equal(one, of({ canary: { steps: [{ setWeight: 10 }], maxSurge: 1 } }));
  assert.notEqual(one, of({ canary: { steps: [{ setWeight: 11 }] } }));
  assert.notEqual(of({ canary: {} }), "");
});
