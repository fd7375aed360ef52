import assert from "node:assert/strict";
import { made } from "../../../../resource_fixture.ts";
import { pods } from "../../pods.ts";

const c = { name: "c", image: "x" };

function causesOf(spec: object, annotations: Record<string, string> = {}): string[] {
  return made(pods, { metadata: { annotations }, spec: { containers: [c], ...spec } }).causes;
}

const seccomp = (localhostProfile: unknown) => ({
  securityContext: { seccompProfile: { type: "Localhost", localhostProfile } },
});
const appArmor = (localhostProfile: unknown) => ({
  securityContext: { appArmorProfile: { type: "Localhost", localhostProfile } },
});

/** What a pod says, and what Kubernetes answers. */
const REFUSED: [object, RegExp][] = [
  [
    seccomp("/etc/passwd"),
    /seccompProfile\.localhostProfile: Invalid value: .*: must be a relative path$/,
  ],
  [
    seccomp("../admin.token"),
    /seccompProfile\.localhostProfile: Invalid value: .*: must not contain '\.\.'$/,
  ],
  [seccomp("a/../../b"), /must not contain '\.\.'$/],
  [
    seccomp(undefined),
    /localhostProfile: Required value: must be set when seccomp type is Localhost$/,
  ],
  [appArmor(" a"), /must not be padded with whitespace$/],
  [appArmor("a".repeat(4096)), /Too long: may not be more than 4095 bytes$/],
  [
    appArmor(""),
    /localhostProfile: Required value: must be set when AppArmor type is Localhost$/,
  ],
  [
    { containers: [{ ...c, securityContext: { procMount: "Unmasked" } }] },
    /procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`$/,
  ],
];

for (const [spec, message] of REFUSED) {
  Deno.test(`a pod is refused that says ${JSON.stringify(spec).slice(0, 100)}`, () => {
    const causes = causesOf(spec);
    assert.equal(causes.length, 1, causes.join("\n"));
    assert.match(causes[0]!, message);
  });
}

Deno.test("a path of a profile may contain what only looks like a way out", () => {
  assert.deepEqual(causesOf(seccomp("..a/b../...")), []);
  assert.deepEqual(causesOf(appArmor("a".repeat(4095))), []);
});

const KEY = "container.apparmor.security.beta.kubernetes.io/c";

Deno.test("an annotation that asks for a profile of AppArmor is the field, and deprecated", () => {
  const ask = (text: string, spec: object = {}) =>
    made(pods, {
      metadata: { annotations: { [KEY]: text } },
      spec: { containers: [c], ...spec },
    });
  const { object, warnings, causes } = ask("localhost/tight");
  const [container] = (object as { spec: { containers: { securityContext?: object }[] } })
    .spec.containers;
  assert.deepEqual(container!.securityContext, {
    appArmorProfile: { type: "Localhost", localhostProfile: "tight" },
  });
  assert.deepEqual(causes, []);
  assert.deepEqual(warnings, [
    `metadata.annotations[${KEY}]: deprecated since v1.30; use the "appArmorProfile" field instead`,
  ]);
  const contradiction = ask("unconfined", {
    securityContext: { appArmorProfile: { type: "RuntimeDefault" } },
  });
  assert.deepEqual(contradiction.causes, []); // the container's own field is stronger than the pod's
  const own = { ...c, securityContext: { appArmorProfile: { type: "RuntimeDefault" } } };
  assert.match(
    ask("unconfined", { containers: [own] }).causes[0]!,
    /appArmorProfile\.type: Forbidden: apparmor type in annotation and field must match$/,
  );
  assert.match(ask("tight").causes[0]!, /Invalid value: "tight": invalid AppArmor profile name/);
});

Deno.test("an annotation about AppArmor names a container of the pod, and stays", () => {
  const stray = { [`${KEY}x`]: "unconfined" };
  assert.match(causesOf({}, stray)[0]!, /Invalid value: "cx": container not found$/);
  const before = made(pods, {
    metadata: { annotations: { [KEY]: "unconfined" } },
    spec: { containers: [c] },
  }).object;
  const changed = { ...before, metadata: { ...before.metadata, annotations: {} } };
  assert.match(
    made(pods, changed, before).causes[0]!,
    /Forbidden: may not remove or update AppArmor annotations$/,
  );
});
