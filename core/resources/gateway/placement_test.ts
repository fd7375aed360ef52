import assert from "node:assert/strict";
import { isPlacedOn, NODES, placementCauses } from "./placement.ts";

Deno.test("a Gateway is on the nodes that its label and its selector name, and on all without any", () => {
  const labels = { [NODES]: "berlin", site: "b1" };
  const rows: [selector: string | undefined, label: string | undefined, isOn: boolean][] = [
    [undefined, undefined, true],
    [undefined, "berlin", true],
    [undefined, "paris", false],
    ["site=b1", undefined, true],
    ["site in (b2,b3)", undefined, false],
    ["", undefined, true],
    ["!site", undefined, false],
    ["site=b1", "berlin", true],
    ["site=b1", "paris", false],
    ["site=b2", "berlin", false],
    ["=", undefined, false],
  ];
  for (const [selector, label, isOn] of rows) {
    const gateway = {
      metadata: { ...(selector !== undefined && { annotations: { [NODES]: selector } }) },
      spec: { ...(label !== undefined && { infrastructure: { labels: { [NODES]: label } } }) },
    };
    assert.equal(isPlacedOn(gateway, labels), isOn, `${selector} ${label}`);
    const isAnywhere = selector === undefined && label === undefined;
    if (isAnywhere) assert.ok(isPlacedOn(gateway, undefined));
  }
});

Deno.test("a selector that cannot be read is refused in Kubernetes' words", () => {
  assert.deepEqual(placementCauses({ [NODES]: "site in (a,b)" }), []);
  assert.deepEqual(placementCauses(undefined), []);
  const [cause] = placementCauses({ [NODES]: "site==" + "/" });
  assert.equal(cause?.field, "metadata.annotations[coracle.dev/nodes]");
  assert.match(cause.message, /^Invalid value: "site==\/": /);
});
