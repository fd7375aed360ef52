import assert from "node:assert/strict";
import type { Notice } from "../../core/client/event_recorder.ts";
import type { NodeImages } from "../../core/client/images/node_images.ts";
import { PREFETCH } from "../../core/controllers/images/prefetches.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { freshObjects } from "../../core/objects/objects_fixture.ts";
import { deployments } from "../../core/resources/apps/deployments.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import { ImagePrefetch } from "./image_prefetch.ts";

Deno.test("each image is asked for until the node has it, and that is told", async () => {
  const clock = new VirtualClock();
  const { client } = await freshObjects();
  const asked: string[] = [];
  const notices: string[] = [];
  let fault: string | undefined = "no route";
  const agent = {
    pull: (image: string) => {
      asked.push(`${image} ${clock.elapsed() / 1_000}`);
      return fault === undefined ? Promise.resolve() : Promise.reject(new Error(fault));
    },
  } as Partial<NodeImages> as NodeImages;
  const connected = new Set(["edge"]);
  const prefetch = new ImagePrefetch({
    view: client,
    clock,
    images: { get: (node) => connected.has(node) ? agent : undefined },
    events: {
      record: (_, { reason, message }: Notice) => void notices.push(`${reason}: ${message}`),
    },
  });
  const stop = new AbortController();
  const running = prefetch.run(stop.signal);
  const node = await client.create(nodes, { metadata: { name: "edge" } });
  const conditions = [{ type: "Ready", status: "True" as const }];
  await client.updateStatus(nodes, { ...node, status: { ...node.status, conditions } });
  const labels = { app: "web" };
  await client.create(deployments, {
    metadata: { name: "web", namespace: "default", annotations: { [PREFETCH]: "true" } },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "m", image: "web:1" }] } },
    },
  });
  await clock.advance(5_000);
  assert.equal(asked.length, 1);
  assert.deepEqual(notices, [
    'FailedPrefetch: Cannot fetch image "web:1" on node "edge": no route',
  ]);
  await clock.advance(5_000);
  assert.equal(asked.length, 1);
  fault = undefined;
  await clock.advance(10_000);
  assert.equal(asked.length, 2);
  assert.equal(notices[1], 'Prefetched: Successfully fetched image "web:1" on node "edge"');
  await clock.advance(3_600_000);
  assert.equal(asked.length, 2);
  connected.clear();
  const web = client.get(deployments, { namespace: "default", name: "web" })!;
  const { template } = web.spec;
  const containers = [{ ...template.spec.containers[0]!, image: "web:2" }];
  const changed = { ...template, spec: { ...template.spec, containers } };
  await client.update(deployments, { ...web, spec: { ...web.spec, template: changed } });
  await clock.advance(5_000);
  assert.match(notices.at(-1)!, /"web:2" on node "edge": its agent is not connected/);
  connected.add("edge");
  await clock.advance(20_000);
  assert.match(asked.at(-1)!, /^web:2/);
  stop.abort();
  await running;
});
