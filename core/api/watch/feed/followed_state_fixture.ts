import assert from "node:assert/strict";
import { keyOf } from "../../../client/feed/digests.ts";
import type { Node } from "../../../resources/core/nodes/nodes.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import type { AnyResource, KubeObject } from "../../../resources/resource.ts";
import { relatedTo } from "../../access/nodes/node_relations.ts";
import { type FeedFixture, type FollowingNode, SOURCES } from "./feed_fixture.ts";
import { trimmedNode } from "./trimmed_node.ts";

/** What the node must be shown of a kind. */
function expected({ local }: FeedFixture, node: string, resource: AnyResource) {
  const all = local.list<KubeObject>(resource);
  const related = relatedTo(node, local);
  if (resource.plural in related) {
    const keys = related[resource.plural as keyof typeof related];
    return all.filter(({ metadata }) => keys.has(keyOf(metadata)));
  }
  switch (resource.plural) {
    case "pods":
      return all.filter((pod) => (pod as Pod).spec.nodeName === node);
    case "leases":
      return all.filter(({ metadata }) => metadata.name === node);
    case "nodes":
      return all.map((each) => each.metadata.name === node ? each : trimmedNode(each as Node));
    default:
      return all;
  }
}

/** That a node shows all that it follows, as it is, and nothing else. */
export function assertInStep(following: FollowingNode): void {
  for (const { resource } of SOURCES) {
    assert.deepEqual(
      following.mirror.list<KubeObject>(resource),
      expected(following.fixture, following.name, resource),
      `${resource.plural} of ${following.name}`,
    );
  }
}
