import assert from "node:assert/strict";
import { deployments } from "../../../apps/deployments.ts";
import { pods } from "../pods.ts";
import { made } from "../../../resource_fixture.ts";
import type { Schema } from "../../../../schema/schema.ts";
import {
  UNIMPLEMENTED_POD_CONSEQUENCES,
  UNIMPLEMENTED_POD_FIELDS,
} from "./unimplemented_fields.ts";
import { podSpec } from "./pod_spec.ts";

const ABSENT = "not implemented in this version of Coracle";
const IGNORED = `${ABSENT}; it is stored but ignored`;

function podWith(spec: object): { apiVersion: string; kind: string; spec: object } {
  const containers = [{ name: "web", image: "nginx:1.27" }];
  return { apiVersion: "v1", kind: "Pod", spec: { containers, ...spec } };
}

Deno.test("each field that is set and not acted on is named once, with its path", () => {
  const { warnings } = made(
    pods,
    podWith({
      initContainers: [{ name: "a", image: "x", resources: { claims: [{ name: "gpu" }] } }],
      serviceAccountName: "builder",
      imagePullSecrets: [{ name: "a" }],
      volumes: [{ name: "a", emptyDir: {} }, { name: "b", rbd: { monitors: ["m"], image: "i" } }],
    }),
  );
  assert.deepEqual(warnings, [
    `spec.initContainers[0].resources.claims: ${IGNORED}`,
    `spec.volumes[1].rbd: ${ABSENT}; the pod does not start: its events say FailedMount`,
  ]);
});

Deno.test("a warning says what comes of a field, where it is not merely ignored", () => {
  const container = { name: "a", image: "x" };
  const resourceClaims = [{ name: "gpu" }];
  const volumes = [{ name: "v", csi: { driver: "d.example.com" } }];
  const { warnings } = made(pods, podWith({ containers: [container], volumes, resourceClaims }));
  const expected = [
    `spec.volumes[0].csi: ${ABSENT}; the pod does not start: its events say FailedMount`,
    `spec.resourceClaims: ${ABSENT}; the pod does not start, and its status says why`,
  ];
  assert.deepEqual(warnings.sort(), expected.sort());
});

Deno.test("what is the default anyway is not warned of", () => {
  const spec = { dnsPolicy: "ClusterFirst", serviceAccountName: "default", os: { name: "linux" } };
  assert.deepEqual(made(pods, podWith(spec)).warnings, []);
});

Deno.test("an emptyDir is warned of for huge pages, not for its size", () => {
  const emptyDirs = [
    { sizeLimit: "1Mi" },
    { sizeLimit: "1Mi", medium: "Memory" },
    { medium: "HugePages" },
  ];
  const volumes = emptyDirs.map((emptyDir, i) => ({ name: `v${i}`, emptyDir }));
  assert.deepEqual(made(pods, podWith({ volumes })).warnings, [
    `spec.volumes[2].emptyDir.medium: ${IGNORED}`,
  ]);
});

Deno.test("templates are warned of under their own path, and only when they change", () => {
  const manifest = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          containers: [{
            name: "web",
            image: "x",
            resources: { claims: [{ name: "gpu" }] },
          }],
        },
      },
    },
  };
  const { object, warnings } = made(deployments, manifest);
  assert.deepEqual(warnings, [
    `spec.template.spec.containers[0].resources.claims: ${IGNORED}`,
  ]);
  const scaled = { ...object, spec: { ...object.spec, replicas: 3 } };
  assert.deepEqual(made(deployments, scaled, object).warnings, []);
});

Deno.test("what is probably a mistake is warned of in Kubernetes' words", () => {
  const container = {
    name: "web",
    image: "x:1",
    env: [{ name: "A", value: "1" }, { name: "A", value: "2" }],
    resources: { limits: { memory: "100m" } },
  };
  const warnings = made(pods, podWith({ containers: [container] })).warnings;
  assert.deepEqual(warnings, [
    'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
    'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
  ]);
});

Deno.test("every path of the table is a field of the PodSpec", () => {
  const unknown = Object.keys(UNIMPLEMENTED_POD_FIELDS).filter((path) => !fieldAt(path.split(".")));
  assert.deepEqual(unknown, []);
  const stray = Object.keys(UNIMPLEMENTED_POD_CONSEQUENCES).filter((path) =>
    !Object.hasOwn(UNIMPLEMENTED_POD_FIELDS, path)
  );
  assert.deepEqual(stray, []);
});

function fieldAt(path: readonly string[]): Schema | undefined {
  return path.reduce<Schema | undefined>((schema, part) => {
    const field = schema?.properties?.[part.replace("[]", "")] ?? schema?.additionalProperties;
    return part.endsWith("[]") ? field?.items : field;
  }, podSpec);
}
