import assert from "node:assert/strict";
import type { Node } from "../../resources/core/nodes/nodes.ts";
import { NodeStates } from "../node_states.ts";
import { imageLocality } from "./image_locality.ts";
import { podOf, snapshotOf } from "./plugin_fixture.ts";

const MIB = 1024 * 1024;

function nodeOf(name: string, ...images: [name: string, mib: number][]): Node {
  if (images.length === 0) return { metadata: { name }, spec: {}, status: {} } as unknown as Node;
  const listed = images.map(([image, mib]) => ({
    names: [image, `${image}@x`],
    sizeBytes: mib * MIB,
  }));
  return { metadata: { name }, spec: {}, status: { images: listed } } as unknown as Node;
}

function scoresOf(nodes: readonly Node[], ...images: string[]): (number | undefined)[] {
  const states = new NodeStates([imageLocality]);
  for (const node of nodes) states.setNode(node);
  const [main, ...init] = images.map((image) => ({ name: "a", image }));
  const pod = podOf({ containers: [main!], initContainers: init });
  const all = states.all();
  const score = imageLocality.score!(pod, snapshotOf(states), states.clusterTallies[0], all);
  return all.map((state) => score?.(state, state.tallies[0]));
}

Deno.test("a node is better the more of the pod's images it has, and the more nodes have them", () => {
  const empty = nodeOf("z");
  const rows: [nodes: Node[], images: string[], scores: (number | undefined)[]][] = [
    [[nodeOf("a", ["web:1", 500]), empty], ["db:1"], [undefined, undefined]],
    [[nodeOf("a"), empty], ["web:1"], [undefined, undefined]],
    [[nodeOf("a", ["web:1", 511.5 * 2]), empty], ["web:1"], [50, 0]],
    [[nodeOf("a", ["web:1", 5000]), empty], ["web:1"], [100, 0]],
    [[nodeOf("a", ["web:1", 46]), empty], ["web:1"], [0, 0]],
    [[nodeOf("a", ["web:1", 66]), empty], ["web:1"], [1, 0]],
    [[nodeOf("a", ["web:1", 512]), nodeOf("b", ["web:1", 1000])], ["web:1"], [50, 100]],
    [[nodeOf("a", ["web:latest", 1000]), empty], ["web"], [48, 0]],
    [[nodeOf("a", ["host:5000/web:latest", 1000]), empty], ["host:5000/web"], [48, 0]],
    [[nodeOf("a", ["web:1", 1000]), empty], ["web:1@x"], [48, 0]],
    [[nodeOf("a", ["web:1", 1000], ["init:1", 1000]), empty], ["web:1", "init:1"], [49, 0]],
    [[nodeOf("a", ["web:1", 1000]), empty], ["web:1", "init:1"], [24, 0]],
  ];
  for (const [nodes, images, scores] of rows) {
    assert.deepEqual(
      scoresOf(nodes, ...images),
      scores,
      `${images} ${JSON.stringify(nodes[0]!.status)}`,
    );
  }
});

Deno.test("sizes count to the byte", () => {
  const quarter = 23 * MIB + 977 * MIB / 4;
  const of = (bytes: number) => nodeOf("a", ["web:1", bytes / MIB]);
  assert.deepEqual(scoresOf([of(quarter)], "web:1"), [25]);
  assert.deepEqual(scoresOf([of(quarter - 1)], "web:1"), [24]);
  assert.deepEqual(scoresOf([of(2 * quarter - 1), nodeOf("z")], "web:1"), [24, 0]);
});

Deno.test("an image that a node no longer has, or whose node is gone, does not count", () => {
  const states = new NodeStates([imageLocality]);
  for (const name of ["a", "b", "c"]) states.setNode(nodeOf(name, ["web:1", 900]));
  const nodesWith = () => (states.clusterTallies[0] as Map<string, number>).get("web:1");
  assert.equal(nodesWith(), 3);
  states.setNode(nodeOf("a"));
  assert.equal(nodesWith(), 2);
  states.removeNode("b");
  states.removeNode("c");
  assert.equal(nodesWith(), undefined);
});
