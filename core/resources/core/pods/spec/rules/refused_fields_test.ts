import assert from "node:assert/strict";
import { deployments } from "../../../../apps/deployments.ts";
import { pods } from "../../pods.ts";
import { made } from "../../../../resource_fixture.ts";
import type { Schema } from "../../../../../schema/schema.ts";
import { podSpec } from "../pod_spec.ts";
import { POD_SPEC_REFUSED } from "./refused_fields.ts";

type Fields = Record<string, unknown>;
const c = { name: "c", image: "x" };

/** What a spec says, and the field that is refused for it. */
const REFUSED: [Fields, string][] = [
  [{ hostUsers: false }, "hostUsers"],
  [whole({ seLinuxChangePolicy: "Recursive" }), "securityContext.seLinuxChangePolicy"],
  [whole({ supplementalGroupsPolicy: "Strict" }), "securityContext.supplementalGroupsPolicy"],
  [whole({ windowsOptions: { hostProcess: true } }), "securityContext.windowsOptions"],
  [whole({ windowsOptions: { hostProcess: true } }), "securityContext.windowsOptions"],
  [own({ windowsOptions: { runAsUserName: "u" } }), "containers[0].securityContext.windowsOptions"],
  [
    {
      initContainers: [{
        name: "i",
        image: "x",
        securityContext: { windowsOptions: { runAsUserName: "u" } },
      }],
    },
    "initContainers[0].securityContext.windowsOptions",
  ],
];

for (const [spec, field] of REFUSED) {
  Deno.test(`a pod is refused for ${field}: ${JSON.stringify(spec).slice(0, 90)}`, () => {
    const { causes } = made(pods, podWith(spec));
    assert.equal(causes.length, 1);
    assert.equal(fieldOf(causes[0]!), `spec.${field}`);
    assert.match(
      causes[0]!,
      /: Forbidden: not implemented.*take it/,
    );
  });
}

/** What says what is done anyway, or is done. */
const TAKEN: Fields[] = [
  { hostUsers: true, shareProcessNamespace: false, hostPID: true, hostIPC: true },
  { shareProcessNamespace: true },
  whole({ seccompProfile: { type: "RuntimeDefault" }, appArmorProfile: { type: "Unconfined" } }),
  whole({ seccompProfile: { type: "Unconfined" }, supplementalGroupsPolicy: "Merge" }),
  whole({
    seLinuxOptions: { level: "s0" },
    windowsOptions: {},
    supplementalGroups: [1],
    fsGroup: 2,
  }),
  whole({ sysctls: [{ name: "net.ipv4.tcp_syncookies", value: "1" }] }),
  whole({ sysctls: [{ name: "kernel.msgmax", value: "1" }] }), // its node decides
  whole({ seccompProfile: { type: "Localhost", localhostProfile: "a/b.json" } }),
  whole({ appArmorProfile: { type: "Localhost", localhostProfile: "a" } }),
  own({ appArmorProfile: { type: "RuntimeDefault" } }),
  own({ procMount: "Default", seccompProfile: { type: "RuntimeDefault" } }),
  own({ privileged: true, capabilities: { add: ["SYS_ADMIN"] } }),
];

for (const spec of TAKEN) {
  Deno.test(`a pod is taken, and not warned of, with ${JSON.stringify(spec).slice(0, 100)}`, () => {
    const { causes, warnings } = made(pods, podWith(spec));
    assert.deepEqual([causes, warnings], [[], []]);
  });
}

Deno.test("all refused fields are named at once, in templates too", () => {
  const { causes } = made(
    deployments,
    deploymentWith({
      ...own({ windowsOptions: { runAsUserName: "u" } }),
      ...whole({ seLinuxChangePolicy: "Recursive" }),
      hostUsers: false,
    }),
  );
  assert.deepEqual(causes.map(fieldOf).sort(), [
    "spec.template.spec.containers[0].securityContext.windowsOptions",
    "spec.template.spec.hostUsers",
    "spec.template.spec.securityContext.seLinuxChangePolicy",
  ]);
});

Deno.test("what was stored before it was refused may stay, whatever else changes, and nothing may be added", () => {
  const labelled = { windowsOptions: { hostProcess: true } };
  const stored = deploymentWith({ containers: [{ ...c, securityContext: labelled }] });
  const previous = made(deployments, stored).object;
  const causesOf = (spec: Fields) =>
    made(deployments, { ...previous, ...deploymentWith(spec) }, previous).causes
      .map(fieldOf);
  assert.deepEqual(causesOf({ containers: [{ ...c, image: "y", securityContext: labelled }] }), []);
  const first = { name: "a", image: "x" };
  assert.deepEqual(causesOf({ containers: [first, { ...c, securityContext: labelled }] }), []);
  assert.deepEqual(causesOf({ containers: [{ ...c }] }), []);
  const at = "spec.template.spec.containers[0].securityContext.windowsOptions";
  const other = { windowsOptions: { hostProcess: false } };
  assert.deepEqual(causesOf({ containers: [{ ...c, securityContext: other }] }), [at]);
  assert.deepEqual(causesOf({ containers: [{ ...first, securityContext: labelled }] }), [at]);
});

Deno.test("every path that is refused is a field of the PodSpec", () => {
  const unknown = Object.keys(POD_SPEC_REFUSED).filter((path) => !fieldAt(path.split(".")));
  assert.deepEqual(unknown, []);
});

function whole(securityContext: Fields): Fields {
  return { securityContext };
}

function own(securityContext: Fields): Fields {
  return { containers: [{ ...c, securityContext }] };
}

function podWith(spec: Fields): { apiVersion: string; kind: string; spec: Fields } {
  return { apiVersion: "v1", kind: "Pod", spec: { containers: [c], ...spec } };
}

function deploymentWith(spec: Fields): { apiVersion: string; kind: string; spec: object } {
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: podWith(spec).spec };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    spec: { selector: { matchLabels: labels }, template },
  };
}

/** A cause begins with the path of its field. */
function fieldOf(cause: string): string {
  return cause.split(": ")[0]!;
}

function fieldAt(path: readonly string[]): Schema | undefined {
  return path.reduce<Schema | undefined>((schema, part) => {
    const field = schema?.properties?.[part.replace("[]", "")] ?? schema?.additionalProperties;
    return part.endsWith("[]") ? field?.items : field;
  }, podSpec);
}
