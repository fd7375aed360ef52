import assert from "node:assert/strict";
import type { LocalClient } from "../../objects/local_client.ts";
import { freshObjects } from "../../objects/objects_fixture.ts";
import { deployments } from "../../resources/apps/deployments.ts";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import { secrets } from "../../resources/core/secrets.ts";
import { serviceAccounts } from "../../resources/core/service_accounts.ts";
import { PREFETCH, prefetchesOf } from "./prefetches.ts";

const NAMESPACE = { namespace: "default" };

async function cluster() {
  const { client } = await freshObjects();
  const add = async (name: string, labels: Record<string, string>, isReady = true) => {
    const node = await client.create(nodes, { metadata: { name, labels } });
    const ready = { type: "Ready", status: isReady ? "True" as const : "Unknown" as const };
    await client.updateStatus(nodes, { ...node, status: { ...node.status, conditions: [ready] } });
  };
  await add("a", { site: "a" });
  await add("b", { site: "b" });
  await add("lost", { site: "a" }, false);
  for (const name of ["own", "account"]) {
    await client.create(secrets, { metadata: { ...NAMESPACE, name } });
  }
  const account = client.get(serviceAccounts, { ...NAMESPACE, name: "default" })!;
  await client.update(serviceAccounts, { ...account, imagePullSecrets: [{ name: "account" }] });
  return client;
}

async function deploy(
  client: LocalClient,
  name: string,
  text: string | undefined,
  spec: object = {},
) {
  const labels = { app: name };
  await client.create(deployments, {
    metadata: {
      ...NAMESPACE,
      name,
      ...text !== undefined && { annotations: { [PREFETCH]: text } },
    },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "m", image: "app:1" }], ...spec },
      },
    },
  });
}

function shown(client: LocalClient): string[] {
  return prefetchesOf(client).wanted.map(({ deployment, node, image, secrets }) =>
    `${deployment.metadata.name}: ${image} on ${node} with ${
      secrets.map(({ metadata }) => metadata.name)
    }`
  );
}

Deno.test("nodes that are ready and meant fetch the images of a Deployment, with its secrets", async () => {
  const client = await cluster();
  await deploy(client, "plain", undefined);
  await deploy(client, "off", "false");
  await deploy(client, "all", "true");
  assert.deepEqual(shown(client), ["all: app:1 on a with account", "all: app:1 on b with account"]);
  await client.delete(deployments, { ...NAMESPACE, name: "all" });
  await deploy(client, "placed", "true", { nodeSelector: { site: "b" } });
  assert.deepEqual(shown(client), ["placed: app:1 on b with account"]);
  await client.delete(deployments, { ...NAMESPACE, name: "placed" });
  await deploy(client, "selected", "site in (a)", {
    nodeSelector: { site: "b" },
    imagePullSecrets: [{ name: "own" }, { name: "absent" }],
    initContainers: [{ name: "i", image: "init:1" }, { name: "j", image: "app:1" }],
    containers: [
      { name: "m", image: "app:1" },
      { name: "n", image: "local:1", imagePullPolicy: "Never" },
    ],
  });
  assert.deepEqual(shown(client), [
    "selected: init:1 on a with own",
    "selected: app:1 on a with own",
  ]);
});

Deno.test("an image that two Deployments want is fetched once, and a bad selector is told", async () => {
  const client = await cluster();
  await deploy(client, "one", "site=a");
  await deploy(client, "two", "true");
  await deploy(client, "wrong", "site in");
  assert.deepEqual(shown(client), ["one: app:1 on a with account", "two: app:1 on b with account"]);
  const [fault] = prefetchesOf(client).faults;
  assert.equal(fault!.deployment.metadata.name, "wrong");
  assert.match(
    fault!.message,
    /^Cannot fetch images ahead: the annotation coracle\.dev\/prefetch is neither "true" nor/,
  );
});
