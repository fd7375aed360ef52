import assert from "node:assert/strict";
import { pushToNodes } from "../../cli/images/nodes_push.ts";
import { tarArchive } from "../../agent/runtimes/podman/tar_archive.ts";
import { TestRegistry } from "../../agent/runtimes/podman/test_registry.ts";
import { eventually } from "../eventually.ts";
import { IMAGE, isReady, type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";

testOnPodman({
  name: "images are pushed to nodes without a registry, on Podman",
  subnet: 125,
  steps: [
    { name: "an OCI archive becomes an image that a pod runs", run: ociArchive },
    {
      name: "layers that the node has are not sent again, unless it has lost them",
      run: fewLayers,
    },
    { name: "Docker's own archives, also compressed, are understood", run: dockerArchive },
    { name: "what is no image is refused, with nothing changed", run: refused },
    { name: "a Deployment has its images fetched before its pods need them", run: prefetched },
  ],
});

/** Pushes to the only node. Resolves with what was said. */
async function push(cluster: PodmanCluster, path: string, name?: string): Promise<string> {
  let said = "";
  await pushToNodes(path, {
    kubeconfig: cluster.server.kubeconfig,
    ...name !== undefined && { name },
  }, {
    out: (text) => void (said += text),
    err: (text) => void (said += text),
    interactive: false,
    signal: new AbortController().signal,
  });
  return said;
}

async function saved(cluster: PodmanCluster, format: string, image: string): Promise<string> {
  const answer = await cluster.podman.request("GET", `/images/${image}/get`, { query: { format } });
  const path = `${await Deno.makeTempDir({ dir: cluster.dataFolder })}/image.tar`;
  await Deno.writeFile(path, answer.body!);
  return path;
}

async function imageNames(cluster: PodmanCluster): Promise<string[]> {
  const list = await cluster.podman.json<{ RepoTags: string[] | null }[]>("GET", "/images/json");
  return list.flatMap(({ RepoTags }) => RepoTags ?? []);
}

async function ociArchive(cluster: PodmanCluster): Promise<void> {
  const path = await saved(cluster, "oci-archive", IMAGE);
  assert.match(
    await push(cluster, path, "example.com/pushed:1"),
    /: example\.com\/pushed:1 is there; sent/,
  );
  assert.ok((await imageNames(cluster)).includes("example.com/pushed:1"));
  await cluster.apply(podOf("pushed", {
    script: "sleep 600",
    container: { image: "example.com/pushed:1", imagePullPolicy: "Never" },
  }));
  await cluster.podWhen("pushed", isReady);
  assert.deepEqual(
    await Array.fromAsync(Deno.readDir(`${cluster.dataFolder}/image-intake`), ({ name }) => name),
    ["layers.json"],
  );
}

async function fewLayers(cluster: PodmanCluster): Promise<void> {
  const path = await saved(cluster, "oci-archive", IMAGE);
  const again = await push(cluster, path, "example.com/pushed:2");
  const sent = Number(/sent ([\d.]+) of/.exec(again)![1]);
  assert.ok(sent <= 0.1, again); // the manifest and the configuration
  await cluster.kubectl("delete", "pod", "pushed", "--now");
  for (const name of [IMAGE, "example.com/pushed:1"]) {
    await eventually(`${name} is gone`, async () => {
      await cluster.podman.send("DELETE", `/images/${name}`, { query: { force: "true" } })
        .catch(() => {});
      return !(await imageNames(cluster)).includes(name);
    });
  }
  // The layers go with the last image, while the node still believes that it has them.
  const images = await cluster.podman.json<{ Id: string }[]>("GET", "/images/json");
  for (const { Id } of images) {
    await cluster.podman.send("DELETE", `/images/${Id}`, { query: { force: "true" } });
  }
  await push(cluster, path, "example.com/pushed:3");
  assert.deepEqual(await imageNames(cluster), ["example.com/pushed:3"]);
}

async function dockerArchive(cluster: PodmanCluster): Promise<void> {
  const path = await saved(cluster, "docker-archive", "example.com/pushed:3");
  assert.match(await push(cluster, path), /: example\.com\/pushed:3 is there/);
  const zipped = await Deno.open(path);
  await Deno.writeFile(`${path}.gz`, zipped.readable.pipeThrough(new CompressionStream("gzip")));
  assert.match(
    await push(cluster, `${path}.gz`, "four:4"),
    /: docker\.io\/library\/four:4 is there/,
  );
}

async function refused(cluster: PodmanCluster): Promise<void> {
  const before = await imageNames(cluster);
  const path = `${cluster.dataFolder}/no-image.tar`;
  const content = (text: string) => new TextEncoder().encode(text);
  await Deno.writeFile(path, tarArchive([{ name: "a", mode: 0o644, content: content("a") }]));
  await assert.rejects(push(cluster, path, "a:1"), { message: /it has no image/ });
  await Deno.writeFile(path, content("x".repeat(2_000)));
  await assert.rejects(push(cluster, path, "a:1"), { message: /it is no tar archive/ });
  await assert.rejects(push(cluster, `${path}.tar`, "a:1"), { message: /it is no file/ });
  const good = await saved(cluster, "oci-archive", "example.com/pushed:3");
  await assert.rejects(push(cluster, good, "UPPER:1"), { message: /UPPER/ });
  assert.deepEqual(await imageNames(cluster), before);
}

async function prefetched(cluster: PodmanCluster): Promise<void> {
  await using registry = await TestRegistry.start();
  const image = `${registry.host}/web:1`;
  const labels = { app: "ahead" };
  await cluster.apply({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "ahead", annotations: { "coracle.dev/prefetch": "true" } },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "main", image }] } },
    },
  });
  await eventually("the image is there", async () => (await imageNames(cluster)).includes(image));
  await eventually(
    "an event tells it",
    async () => /Prefetched.*web:1/.test(await cluster.kubectl("get", "events")),
  );
}
