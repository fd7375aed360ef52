import assert from "node:assert/strict";
import type { KubeObject } from "../../resource.ts";
import { autonomyCauses, autonomyMsOf, isOffline } from "./autonomy.ts";
import { nodeColumns } from "./node_columns.ts";
import type { Node } from "./nodes.ts";

function withAutonomy(text?: string): KubeObject {
  const annotations = text === undefined ? {} : { "coracle.dev/autonomy": text };
  return { metadata: { annotations } } as unknown as KubeObject;
}

Deno.test("how long a node may be left alone", () => {
  const rows: [string | undefined, number, isRight: boolean][] = [
    [undefined, 0, true],
    ["forever", Infinity, true],
    ["72h", 72 * 3_600_000, true],
    ["1h30m", 5_400_000, true],
    ["0", 0, true],
    ["", 0, false],
    ["-1h", 0, false],
    ["3d", 0, false],
    ["Forever", 0, false],
    ["ever", 0, false],
  ];
  for (const [text, ms, isRight] of rows) {
    assert.equal(autonomyMsOf(withAutonomy(text)), ms, `${text}`);
    assert.equal(autonomyCauses(withAutonomy(text), undefined).length === 0, isRight, `${text}`);
    assert.deepEqual(autonomyCauses(withAutonomy(text), withAutonomy(text)), [], "it was there");
  }
  const [cause] = autonomyCauses(withAutonomy("3d"), withAutonomy("1h"));
  assert.equal(cause!.field, "metadata.annotations[coracle.dev/autonomy]");
  assert.match(cause!.message, /"3d": must be a duration such as "72h", or "forever"/);
});

Deno.test("kubectl get nodes shows which nodes are offline", () => {
  const rows: [status: string, reason: string, unschedulable: boolean, word: string][] = [
    ["True", "KubeletReady", false, "Ready"],
    ["True", "KubeletReady", true, "Ready,SchedulingDisabled"],
    ["Unknown", "NodeStatusUnknown", false, "NotReady"],
    ["Unknown", "Offline", false, "Ready,Offline"],
    ["Unknown", "Offline", true, "Ready,Offline,SchedulingDisabled"],
    ["False", "Offline", false, "NotReady"],
  ];
  const status = nodeColumns.find(({ name }) => name === "Status")!;
  for (const [ready, reason, unschedulable, word] of rows) {
    const node = {
      spec: { unschedulable },
      status: { conditions: [{ type: "Ready", status: ready, reason }] },
    } as unknown as Node;
    assert.equal(status.value(node, 0), word);
    assert.equal(isOffline(node), word.includes("Offline"));
  }
});
