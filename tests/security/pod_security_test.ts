import assert from "node:assert/strict";
import { freshApi } from "../../core/api/api_fixture.ts";

const PODS = "/api/v1/namespaces/locked/pods";
const ENFORCE = "pod-security.kubernetes.io/enforce";
const c = { name: "c", image: "registry.example/busybox:1" };

/** Each of these lets a pod take over its node. */
const OWNERS: Record<string, Record<string, unknown>> = {
  "the processes of the node": { hostPID: true },
  "the network of the node": { hostNetwork: true },
  "the memory of the node": { hostIPC: true },
  "the disk of the node": { volumes: [{ name: "d", hostPath: { path: "/" } }] },
  "all rights of root": { containers: [{ ...c, securityContext: { privileged: true } }] },
  "a capability": {
    containers: [{ ...c, securityContext: { capabilities: { add: ["SYS_PTRACE"] } } }],
  },
  "another's pod behind a probe": {
    containers: [{ ...c, livenessProbe: { httpGet: { port: 80, host: "169.254.169.254" } } }],
  },
};

Deno.test("a user of a namespace that enforces a level cannot take over the node by a pod", async () => {
  const { ask } = await freshApi();
  const labels = { [ENFORCE]: "baseline" };
  await ask("POST", "/api/v1/namespaces", { metadata: { name: "locked", labels } });
  for (const [what, spec] of Object.entries(OWNERS)) {
    const answer = await ask("POST", PODS, {
      metadata: { name: "owner" },
      spec: { containers: [c], ...spec },
    });
    const status = await answer.json();
    assert.ok([403, 422].includes(answer.status), `${what}: ${answer.status}`);
    assert.match(status.message, /violates PodSecurity "baseline:latest"|Forbidden/, what);
  }
  assert.deepEqual((await (await ask("GET", PODS)).json()).items, []);
  const plain = { metadata: { name: "plain" }, spec: { containers: [c] } };
  assert.equal((await ask("POST", PODS, plain)).status, 201);
});

Deno.test("a user of a restricted namespace cannot run as root", async () => {
  const { ask } = await freshApi();
  const labels = { [ENFORCE]: "restricted" };
  await ask("POST", "/api/v1/namespaces", { metadata: { name: "locked", labels } });
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
  const restricted = {
    containers: [{ ...c, securityContext }],
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  };
  const create = async (spec: Record<string, unknown>) =>
    (await ask("POST", PODS, { metadata: { generateName: "p-" }, spec })).status;
  assert.equal(await create(restricted), 201);
  assert.equal(await create({ containers: [c] }), 403);
  const root = { ...restricted.securityContext, runAsUser: 0 };
  assert.equal(await create({ ...restricted, securityContext: root }), 403);
});
