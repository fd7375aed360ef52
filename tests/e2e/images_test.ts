import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import {
  IMAGE,
  isReady,
  mainStatus,
  PodmanCluster,
  podmanMissing,
  podOf,
} from "./podman_cluster.ts";
import { testSteps } from "./steps.ts";
import { LOGIN, registryMissing, RegistryProcess } from "./registry_process.ts";

testSteps({
  name: "images on Podman: a registry that asks who pulls",
  missing: podmanMissing() ?? registryMissing(),
  start: () => PodmanCluster.start({ subnet: 170 }),
  steps: [
    { name: "nobody pulls without a login, and no login is shown", run: refused },
    { name: "a pod pulls with its own secret", run: ownSecret },
    { name: "a pod pulls with the secret of its service account", run: accountSecret },
  ],
});

async function refused(cluster: PodmanCluster): Promise<void> {
  await using registry = await filledRegistry(cluster);
  const wrong = { ...LOGIN, password: "hunter2-secret" };
  await cluster.apply(secretOf("wrong", registry.host, wrong));
  const secrets = { imagePullSecrets: [{ name: "wrong" }, { name: "absent" }] };
  await cluster.apply(podFrom("refused", registry.host, secrets));
  const pod = await cluster.podWhen(
    "refused",
    (pod) => pod.status.containerStatuses?.[0]?.state.waiting?.reason === "ImagePullBackOff",
  );
  const { message = "" } = mainStatus(pod).state.waiting!;
  assert.match(message, /^Back-off pulling image ".*": ErrImagePull: .*unauthorized/);
  const events = await eventually("its events", async () => {
    const found = await cluster.events("refused");
    return found.some(({ reason }) => reason === "BackOff") ? found : undefined;
  });
  const texts = events.map(({ type, reason, message }) => `${type} ${reason} ${message}`);
  const image = `${registry.host}/team/app:1`;
  for (
    const expected of [
      `Normal Pulling Pulling image "${image}"`,
      "Warning Failed Error: ErrImagePull",
      "Warning Failed Error: ImagePullBackOff",
      `Normal BackOff Back-off pulling image "${image}"`,
      "Warning FailedToRetrieveImagePullSecret Unable to retrieve some image pull secrets (absent); " +
      "attempting to pull the image may not succeed.",
    ]
  ) assert.ok(texts.includes(expected), `${expected} is not in\n${texts.join("\n")}`);
  const shown = JSON.stringify([pod.status, texts]) + cluster.log;
  const secret = btoa(`${wrong.username}:${wrong.password}`);
  for (const word of [wrong.password, secret]) assert.ok(!shown.includes(word), word);
  await cluster.delete("pod", "refused");
}

async function ownSecret(cluster: PodmanCluster): Promise<void> {
  await using registry = await filledRegistry(cluster);
  await cluster.apply(secretOf("login", `http://${registry.host}/v2/`, LOGIN));
  const secrets = { imagePullSecrets: [{ name: "login" }] };
  await cluster.apply(podFrom("private", registry.host, secrets));
  const pod = await cluster.podWhen("private", isReady);
  const { imageID } = mainStatus(pod);
  assert.match(imageID, new RegExp(`^${registry.host}/team/app@sha256:[0-9a-f]{64}$`));
  const pulled = await eventually(
    "the event",
    async () => (await cluster.events("private")).find(({ reason }) => reason === "Pulled"),
  );
  assert.match(
    pulled.message!,
    /^Successfully pulled image ".*\/team\/app:1" in [\d.]+m?s \([\d.]+m?s including waiting\)\. Image size: \d{6,} bytes\.$/,
  );
  await cluster.delete("pod", "private");
}

async function accountSecret(cluster: PodmanCluster): Promise<void> {
  await using registry = await filledRegistry(cluster);
  await cluster.apply(secretOf("team", "127.0.0.*:" + registry.host.split(":")[1], LOGIN), {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "team" },
    imagePullSecrets: [{ name: "team" }],
  });
  await cluster.apply(podFrom("account", registry.host, { serviceAccountName: "team" }));
  await cluster.podWhen("account", isReady);
  await cluster.delete("pod", "account");
}

/** One that has the image `team/app:1`. */
async function filledRegistry({ podman }: PodmanCluster): Promise<RegistryProcess> {
  const registry = await RegistryProcess.start();
  const header = new TextEncoder().encode(JSON.stringify(LOGIN)).toBase64({
    alphabet: "base64url",
  });
  await podman.send("POST", `/images/${IMAGE}/push`, {
    query: { destination: `${registry.host}/team/app:1`, tlsVerify: "false" },
    headers: { "x-registry-auth": header },
  });
  return registry;
}

function secretOf(name: string, place: string, login: typeof LOGIN): object {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name },
    type: "kubernetes.io/dockerconfigjson",
    stringData: { ".dockerconfigjson": JSON.stringify({ auths: { [place]: login } }) },
  };
}

function podFrom(name: string, host: string, spec: object): object {
  const container = { image: `${host}/team/app:1`, imagePullPolicy: "Always" };
  return podOf(name, { script: "sleep 600", container, spec });
}
