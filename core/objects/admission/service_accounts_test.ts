import assert from "node:assert/strict";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { Random } from "../../lib/random.ts";
import { namespaces } from "../../resources/core/namespaces.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { serviceAccounts } from "../../resources/core/service_accounts.ts";
import { RESOURCES } from "../../resources/mod.ts";
import { MemoryDisk, MemoryJournal } from "../../store/memory_journal.ts";
import { MemoryStore } from "../../store/memory_store.ts";
import { Objects } from "../objects.ts";

async function cluster(account: object = {}) {
  const clock = new VirtualClock(0);
  const store = await MemoryStore.open(new MemoryJournal(new MemoryDisk()), {
    resources: RESOURCES,
  });
  const objects = new Objects({ store, clock, random: new Random(1), hasAccounts: true });
  await objects.create(namespaces, { metadata: { name: "default" } });
  await objects.create(serviceAccounts, { metadata: { name: "robot" }, ...account });
  const create = async (spec: object) => {
    const containers = [{ name: "a", image: "b" }];
    const draft = { metadata: { name: "web" }, spec: { containers, ...spec } };
    return (await objects.create(pods, draft)).object as Pod;
  };
  return { objects, clock, create };
}

const ROBOT = { serviceAccountName: "robot" };
const PATH = "/var/run/secrets/kubernetes.io/serviceaccount";

Deno.test("a pod gets the volume and the mounts by which it sees its token", async () => {
  const { create } = await cluster();
  const { spec } = await create({ ...ROBOT, initContainers: [{ name: "i", image: "b" }] });
  const [volume] = spec.volumes!;
  assert.match(volume!.name, /^kube-api-access-[a-z0-9]{5}$/);
  const mount = { name: volume!.name, readOnly: true, mountPath: PATH };
  assert.deepEqual(spec.containers[0]!.volumeMounts, [mount]);
  assert.deepEqual(spec.initContainers![0]!.volumeMounts, [mount]);
  assert.deepEqual(volume!.projected, {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      {
        downwardAPI: {
          items: [{
            path: "namespace",
            fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" },
          }],
        },
      },
    ],
  });
});

Deno.test("whether a pod sees a token is said by the pod, else by its account", async () => {
  const table: [boolean | undefined, boolean | undefined, boolean][] = [
    [undefined, undefined, true],
    [false, undefined, false],
    [undefined, false, false],
    [false, true, true],
    [true, false, false],
  ];
  for (const [ofAccount, ofPod, sees] of table) {
    const say = (value?: boolean) =>
      value === undefined ? {} : { automountServiceAccountToken: value };
    const { create } = await cluster(say(ofAccount));
    const { spec } = await create({ ...ROBOT, ...say(ofPod) });
    assert.equal(spec.volumes !== undefined, sees, `${ofAccount} ${ofPod}`);
  }
});

Deno.test("what a container mounts in its place stays, and the secrets for images are the account's", async () => {
  const { create } = await cluster({ imagePullSecrets: [{ name: "registry" }] });
  const own = { name: "own", mountPath: PATH };
  const { spec } = await create({
    ...ROBOT,
    volumes: [{ name: "own", emptyDir: {} }],
    containers: [{ name: "a", image: "b", volumeMounts: [own] }],
  });
  assert.deepEqual(spec.volumes!.map(({ name }) => name), ["own"]);
  assert.deepEqual(spec.imagePullSecrets, [{ name: "registry" }]);
});

Deno.test("what shows a static pod has no account, and uses nothing of the API", async () => {
  const { objects } = await cluster();
  const mirror = (spec: object) =>
    objects.create(pods, {
      metadata: { name: "web", annotations: { "kubernetes.io/config.mirror": "x" } },
      spec: { containers: [{ name: "a", image: "b" }], ...spec },
    });
  const refused = (what: string) => ({
    message: `pods "web" is forbidden: a mirror pod may not reference ${what}`,
  });
  await assert.rejects(mirror(ROBOT), refused("service accounts"));
  const volumes = [{ name: "a", secret: { secretName: "s" } }];
  await assert.rejects(mirror({ volumes }), refused("secrets"));
  const { spec } = (await mirror({})).object as Pod;
  assert.deepEqual([spec.serviceAccountName, spec.volumes], [undefined, undefined]);
});

Deno.test("a pod of an account that is not there is refused", async () => {
  const { create } = await cluster();
  await assert.rejects(create({ serviceAccountName: "gone" }), {
    message: 'pods "web" is forbidden: error looking up service account default/gone: ' +
      'serviceaccount "gone" not found',
  });
});

Deno.test("a pod waits a second for the account that its namespace is about to get, no longer", async () => {
  const { create, clock, objects } = await cluster();
  const refused = assert.rejects(create({}), /error looking up service account default\/default/);
  await clock.advance(900);
  await refused;
  const created = create({});
  await clock.advance(300);
  await objects.create(serviceAccounts, { metadata: { name: "default" } });
  await clock.advance(100);
  assert.equal((await created).spec.serviceAccountName, "default");
});

Deno.test("an account may keep its pods from all Secrets but its own", async () => {
  const metadata = {
    name: "robot",
    annotations: { "kubernetes.io/enforce-mountable-secrets": "true" },
  };
  const { create } = await cluster({ metadata, secrets: [{ name: "mine" }] });
  const env = (name: string) => ({
    containers: [{
      name: "a",
      image: "b",
      env: [{ name: "E", valueFrom: { secretKeyRef: { name, key: "k" } } }],
    }],
  });
  const because = "is not allowed because service account robot does not reference that";
  const table: [object, string][] = [
    [
      { volumes: [{ name: "v", secret: { secretName: "x" } }] },
      `volume with secret.secretName="x" ${because} secret`,
    ],
    [env("x"), `container a with envVar E referencing secret.secretName="x" ${because} secret`],
    [
      { imagePullSecrets: [{ name: "x" }] },
      `imagePullSecrets[0].name="x" ${because} imagePullSecret`,
    ],
  ];
  for (const [spec, why] of table) {
    await assert.rejects(create({ ...ROBOT, ...spec }), {
      message: `pods "web" is forbidden: ${why}`,
    });
  }
  await create({ ...ROBOT, ...env("mine") });
});
