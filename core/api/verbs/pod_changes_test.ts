import assert from "node:assert/strict";
import { freshApi } from "../api_fixture.ts";

const PODS = "/api/v1/namespaces/default/pods";
const MERGE = { "content-type": "application/strategic-merge-patch+json" };

async function started(pod: object = {}) {
  const { ask } = await freshApi();
  const containers = [{
    name: "a",
    image: "b",
    resources: { requests: { cpu: "1", memory: "1Gi" } },
  }];
  const body = { metadata: { name: "web" }, spec: { containers, ...pod } };
  assert.equal((await ask("POST", PODS, body)).status, 201);
  const change = async (subresource: string, spec: object) => {
    const answer = await ask("PATCH", `${PODS}/web/${subresource}`, { spec }, MERGE);
    const { message, metadata, ...rest } = await answer.json();
    return {
      code: answer.status,
      message,
      generation: metadata?.generation,
      spec: rest.spec,
      warning: answer.headers.get("warning"),
    };
  };
  return { ask, change };
}

const debug = { name: "debug", image: "busybox:1" };

Deno.test("an ephemeral container is added, stays as it is, and nothing else changes", async () => {
  const { ask, change } = await started();
  const added = await change("ephemeralcontainers", {
    ephemeralContainers: [debug],
    hostNetwork: true,
  });
  assert.deepEqual([added.code, added.generation], [200, 2]);
  assert.equal(added.warning, null);
  assert.equal(added.spec.hostNetwork, undefined);
  assert.deepEqual(added.spec.ephemeralContainers, [{
    ...debug,
    imagePullPolicy: "IfNotPresent",
    resources: {},
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  }]);
  const changed = await change("ephemeralcontainers", {
    ephemeralContainers: [{ name: "debug", image: "busybox:2" }],
  });
  assert.equal(changed.code, 422);
  assert.match(changed.message, /existing ephemeral containers "debug" may not be changed/);
  const path = `${PODS}/web/ephemeralcontainers`;
  const pod = await (await ask("GET", path)).json();
  const { ephemeralContainers: _, ...spec } = pod.spec;
  const removed = await (await ask("PUT", path, { ...pod, spec })).json();
  assert.match(removed.message, /existing ephemeral containers "debug" may not be removed/);
  assert.equal((await ask("PUT", `${PODS}/web`, { ...pod, spec })).status, 422);
});

Deno.test("what an ephemeral container cannot have is refused, each with its field", async () => {
  const { change } = await started();
  for (
    const [container, causes] of [
      [{ name: "a", image: "b" }, ['spec.ephemeralContainers[0].name: Duplicate value: "a"']],
      [{ ...debug, targetContainerName: "x" }, [
        'spec.ephemeralContainers[0].targetContainerName: Not found: "x"',
      ]],
      [{ ...debug, ports: [{ containerPort: 1 }], resources: { requests: { cpu: "1" } } }, [
        "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container",
        "spec.ephemeralContainers[0].resources: Forbidden: cannot be set for an Ephemeral Container",
      ]],
      [{ name: "debug" }, ["spec.ephemeralContainers[0].image: Required value"]],
    ] as const
  ) {
    const { code, message } = await change("ephemeralcontainers", {
      ephemeralContainers: [container],
    });
    assert.equal(code, 422);
    for (const cause of causes) assert.ok(message.includes(cause), `${message} lacks ${cause}`);
  }
  assert.equal((await change("ephemeralcontainers", { ephemeralContainers: 1 })).code, 422);
});

Deno.test("a pod does not begin with ephemeral containers", async () => {
  const { ask } = await freshApi();
  const spec = { containers: [{ name: "a", image: "b" }], ephemeralContainers: [debug] };
  const answer = await ask("POST", PODS, { metadata: { name: "web" }, spec });
  assert.match(
    (await answer.json()).message,
    /spec.ephemeralContainers: Forbidden: cannot be set on create/,
  );
});

Deno.test("pod security counts for ephemeral containers too", async () => {
  const { ask, change } = await started();
  await ask("PATCH", "/api/v1/namespaces/default", {
    metadata: { labels: { "pod-security.kubernetes.io/enforce": "baseline" } },
  }, { "content-type": "application/merge-patch+json" });
  const { code, message } = await change("ephemeralcontainers", {
    ephemeralContainers: [{ ...debug, securityContext: { privileged: true } }],
  });
  assert.equal(code, 403);
  assert.match(message, /violates PodSecurity "baseline:latest"/);
});

Deno.test("a resize changes processor and memory, and nothing else", async () => {
  const { change } = await started();
  const resized = await change("resize", {
    containers: [{ name: "a", image: "other", resources: { requests: { cpu: "2" } } }],
  });
  assert.deepEqual([resized.code, resized.generation], [200, 2]);
  assert.equal(resized.spec.containers[0].image, "b");
  assert.deepEqual(resized.spec.containers[0].resources.requests, { cpu: "2", memory: "1Gi" });
  for (
    const [resources, text] of [
      [
        { requests: { cpu: null } },
        "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
      ],
      [
        { requests: { "ephemeral-storage": "1Gi" } },
        "spec: Forbidden: only cpu and memory resources are mutable",
      ],
      [
        { limits: { cpu: "2", memory: "1Gi" } },
        'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
      ],
    ] as const
  ) {
    const { code, message } = await change("resize", { containers: [{ name: "a", resources }] });
    assert.equal(code, 422);
    assert.ok(message.includes(text), `${message} lacks ${text}`);
  }
  const more = await change("resize", { containers: [{ name: "c", image: "d" }] });
  assert.match(more.message, /spec.containers: Forbidden: containers may not be added or removed/);
});
