import assert from "node:assert/strict";
import { isRefusal } from "../../../client/api_error.ts";
import { deployments } from "../../../resources/apps/deployments.ts";
import { namespaces } from "../../../resources/core/namespaces.ts";
import { pods } from "../../../resources/core/pods/pods.ts";
import { freshObjects } from "../../objects_fixture.ts";
import type { Objects } from "../../objects.ts";

const PREFIX = "pod-security.kubernetes.io/";

Deno.test("a pod that its namespace's level forbids is refused in Kubernetes' words, a fit one is not", async () => {
  const objects = await withNamespace({ enforce: "baseline" });
  await assert.rejects(objects.create(pods, pod("bad", { hostNetwork: true })), (error) => {
    assert.ok(isRefusal(error, "Forbidden"));
    assert.equal(
      error.message,
      'pods "bad" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
    );
    return true;
  });
  assert.deepEqual((await objects.create(pods, pod("good"))).warnings, []);
});

Deno.test("what is wrong with a pod is said before what its namespace forbids", async () => {
  const objects = await withNamespace({ enforce: "baseline" });
  const broken = objects.create(pods, pod("bad", { hostNetwork: true, restartPolicy: "Often" }));
  await assert.rejects(broken, (error) => isRefusal(error, "Invalid"));
});

Deno.test("templates are warned of, and their workloads taken", async () => {
  const objects = await withNamespace({ enforce: "baseline", warn: "restricted" });
  const { spec } = pod("x", { hostNetwork: true });
  const labels = { app: "web" };
  const draft = {
    metadata: { name: "web", namespace: "tight" },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
  const { warnings, object } = await objects.create(deployments, draft);
  assert.match(
    warnings.join(),
    /^would violate PodSecurity "restricted:latest": host namespaces \(hostNetwork=true\), allowPriv/,
  );
  const name = { namespace: "tight", name: "web" };
  const scale = (replicas: number) => (current: unknown) => {
    const { spec, ...rest } = current as typeof object & { spec: object };
    return { ...rest, spec: { ...spec, replicas } };
  };
  assert.deepEqual((await objects.change(deployments, name, scale(3))).warnings, []);
});

Deno.test("a pod that was there before its namespace's level stays, but gets no new image", async () => {
  const objects = await withNamespace({});
  await objects.create(pods, pod("old", { hostNetwork: true }));
  const labelled = await label(objects, { enforce: "baseline" });
  assert.deepEqual(labelled, [
    'existing pods in namespace "tight" violate the new PodSecurity enforce level "baseline:latest"',
    "old: host namespaces",
  ]);
  const name = { namespace: "tight", name: "old" };
  const patched = (body: unknown) =>
    objects.patch(pods, name, { type: "application/merge-patch+json", body });
  await patched({ metadata: { labels: { a: "b" } } });
  await patched({ spec: { activeDeadlineSeconds: 5 } });
  await assert.rejects(
    objects.patch(pods, name, {
      type: "application/strategic-merge-patch+json",
      body: { spec: { containers: [{ name: "c", image: "other" }] } },
    }),
    /violates PodSecurity "baseline:latest"/,
  );
});

Deno.test("a new level names the pods that do not keep to it, one for all that are alike", async () => {
  const objects = await withNamespace({});
  for (const name of ["b", "a", "c"]) await objects.create(pods, pod(name, { hostNetwork: true }));
  await objects.create(pods, pod("d", { hostIPC: false }));
  assert.deepEqual(await label(objects, { enforce: "baseline" }), [
    'existing pods in namespace "tight" violate the new PodSecurity enforce level "baseline:latest"',
    "a (and 2 other pods): host namespaces",
  ]);
  const restricted = await label(objects, { enforce: "restricted", "enforce-version": "v1.10" });
  assert.deepEqual(restricted, [
    'existing pods in namespace "tight" violate the new PodSecurity enforce level "restricted:v1.10"',
    "a (and 2 other pods): host namespaces, allowPrivilegeEscalation != false, runAsNonRoot != true",
    "d: allowPrivilegeEscalation != false, runAsNonRoot != true",
  ]);
  const easier = { enforce: "baseline", "enforce-version": "v1.10" };
  assert.deepEqual(await label(objects, easier), []);
});

Deno.test("labels that cannot be read are refused, unless they were there", async () => {
  const objects = await withNamespace({});
  await assert.rejects(label(objects, { enforce: "none" }), (error) => {
    assert.ok(isRefusal(error, "Invalid"));
    assert.equal(
      error.message,
      'Namespace "tight" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: ' +
        'Invalid value: "none": must be one of privileged, baseline, restricted',
    );
    return true;
  });
  const stored = { [`${PREFIX}enforce`]: "none" };
  await objects.amend(namespaces, { name: "tight" }, (current) => ({
    ...current,
    metadata: { ...current.metadata, labels: stored },
  }));
  await label(objects, { enforce: "none", other: "label" });
  await assert.rejects(
    objects.create(pods, pod("any")),
    /violates PodSecurity "restricted:latest"/,
  );
});

async function withNamespace(policy: Record<string, string>): Promise<Objects> {
  const { objects } = await freshObjects();
  await objects.create(namespaces, { metadata: { name: "tight", labels: labelsOf(policy) } });
  return objects;
}

async function label(objects: Objects, policy: Record<string, string>): Promise<readonly string[]> {
  const body = { metadata: { labels: labelsOf(policy) } };
  const patch = { type: "application/merge-patch+json", body };
  return (await objects.patch(namespaces, { name: "tight" }, patch)).warnings;
}

function labelsOf(policy: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(policy).map(([name, value]) => [`${PREFIX}${name}`, value]),
  );
}

function pod(name: string, spec: object = {}): { metadata: object; spec: object } {
  return {
    metadata: { name, namespace: "tight" },
    spec: { containers: [{ name: "c", image: "x" }], ...spec },
  };
}

Deno.test("the audit log hears which level holds, and what breaks the one of `audit`, of pods and templates", async () => {
  const objects = await withNamespace({ enforce: "baseline", audit: "restricted" });
  const notes: string[][] = [];
  const annotate = (key: string, value: string) => void notes.push([key, value]);
  const draft = pod("x");
  await objects.create(pods, draft, { annotate });
  const [enforced, violations] = notes;
  assert.deepEqual(enforced, [`${PREFIX}enforce-policy`, "baseline:latest"]);
  assert.equal(violations![0], `${PREFIX}audit-violations`);
  assert.match(
    violations![1]!,
    /^would violate PodSecurity "restricted:latest": allowPrivilegeEsc/,
  );
  notes.length = 0;
  const labels = { app: "web" };
  await objects.create(deployments, {
    metadata: { name: "web", namespace: "tight" },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: draft.spec },
    },
  }, { annotate });
  assert.deepEqual(notes.map(([key]) => key), [`${PREFIX}audit-violations`]);
  notes.length = 0;
  const bad = objects.create(pods, pod("bad", { hostNetwork: true }), { annotate });
  await assert.rejects(bad, /violates PodSecurity/);
  assert.deepEqual(notes.map(([key]) => key), [
    `${PREFIX}enforce-policy`,
    `${PREFIX}audit-violations`,
  ]);
  notes.length = 0;
  const open = { ...pod("open"), metadata: { name: "open", namespace: "default" } };
  await objects.create(pods, open, { annotate });
  assert.deepEqual(notes, [[`${PREFIX}enforce-policy`, "privileged:latest"]]);
});
