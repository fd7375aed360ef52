import assert from "node:assert/strict";
import { freshApi } from "../../core/api/api_fixture.ts";

const PODS = "/api/v1/namespaces/default/pods";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const c = { name: "c", image: "registry.example/busybox:1" };

/** Fields that ask for protection, or for access to the node, and are not implemented. */
const UNPROTECTED: Record<string, object> = {
  "a process of Windows": { securityContext: { windowsOptions: { hostProcess: true } } },
  "users of its own": { hostUsers: false },
};

Deno.test("no pod runs without a protection that its manifest asks for", async () => {
  const { ask } = await freshApi();
  const labels = { app: "a" };
  for (const [what, spec] of Object.entries(UNPROTECTED)) {
    const pod = await ask("POST", PODS, {
      metadata: { name: "p" },
      spec: { containers: [c], ...spec },
    });
    assert.equal(pod.status, 422, what);
    assert.match((await pod.json()).message, /^Pod "p" is invalid: .*: Forbidden: /, what);
    const template = { metadata: { labels }, spec: { containers: [c], ...spec } };
    const deployment = await ask("POST", DEPLOYMENTS, {
      metadata: { name: "d" },
      spec: { selector: { matchLabels: labels }, template },
    });
    assert.equal(deployment.status, 422, what);
    assert.match((await deployment.json()).message, /: spec\.template\.spec.*Forbidden: /, what);
  }
});

Deno.test("a checked path is the path that is opened: no text of a pod contains a NUL", async () => {
  const { ask } = await freshApi();
  const hidden = "/var/lib/coracle\0/harmless";
  const mount = { name: "v", mountPath: "/v" };
  const mounted = (volume: object, more: object = {}) => ({
    volumes: [{ name: "v", ...volume }],
    containers: [{ ...c, volumeMounts: [{ ...mount, ...more }] }],
  });
  const specs: [object, string][] = [
    [mounted({ hostPath: { path: hidden } }), "volumes[0].hostPath.path"],
    [mounted({ emptyDir: {} }, { subPath: "a\0b" }), "containers[0].volumeMounts[0].subPath"],
    [mounted({ emptyDir: {} }, { mountPath: hidden }), "containers[0].volumeMounts[0].mountPath"],
    [
      mounted({ configMap: { name: "a", items: [{ key: "a", path: "a\0b" }] } }),
      "volumes[0].configMap.items[0].path",
    ],
    [{ containers: [{ ...c, command: ["id\0x"] }] }, "containers[0].command[0]"],
    [{ containers: [{ ...c, workingDir: hidden }] }, "containers[0].workingDir"],
    [{ containers: [{ ...c, env: [{ name: "A", value: "x\0y" }] }] }, "containers[0].env[0].value"],
    [
      { containers: [{ ...c, terminationMessagePath: hidden }] },
      "containers[0].terminationMessagePath",
    ],
  ];
  for (const [spec, field] of specs) {
    const body = { metadata: { name: "p" }, spec: { containers: [c], ...spec } };
    const answer = await ask("POST", PODS, body);
    assert.equal(answer.status, 422, field);
    const { details } = await answer.json();
    const fields = details.causes.map((cause: { field: string }) => cause.field);
    assert.ok(fields.includes(`spec.${field}`), `${field}: ${fields}`);
  }
});

Deno.test("a user cannot write lines of his own into the files that the node makes for a pod", async () => {
  const { ask } = await freshApi();
  const line = "a\n6.6.6.6 bank.example";
  const specs = [
    { hostAliases: [{ ip: "10.0.0.1", hostnames: [line] }] },
    { hostAliases: [{ ip: line, hostnames: ["a"] }] },
    { hostname: line },
    { subdomain: line },
    { dnsConfig: { searches: [line] } },
    { dnsConfig: { options: [{ name: "ndots", value: "1\nnameserver 6.6.6.6" }] } },
    { containers: [{ ...c, env: [{ name: "A\nB", value: "1" }] }] },
  ];
  for (const spec of specs) {
    const answer = await ask("POST", PODS, {
      metadata: { name: "p" },
      spec: { containers: [c], ...spec },
    });
    assert.equal(answer.status, 422, JSON.stringify(spec));
  }
});
