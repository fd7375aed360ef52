import assert from "node:assert/strict";
import type { Taint } from "../../resources/core/nodes/nodes.ts";
import type { Toleration } from "../../resources/core/pods/spec/scheduling.ts";
import { tolerates, untolerated } from "./taints.ts";

const TAINT: Taint = { key: "gpu", value: "7", effect: "NoSchedule" };

Deno.test("a toleration fits a taint by key, operator, value and effect", () => {
  const rows: [toleration: Toleration, taint: Partial<Taint>, fits: boolean][] = [
    [{ key: "gpu", value: "7" }, {}, true],
    [{ key: "gpu", value: "8" }, {}, false],
    [{ key: "gpu" }, {}, false],
    [{ key: "gpu" }, { value: "" }, true],
    [{ key: "tpu", value: "7" }, {}, false],
    [{ value: "7" }, {}, false],
    [{ key: "gpu", value: "7", effect: "NoSchedule" }, {}, true],
    [{ key: "gpu", value: "7", effect: "NoExecute" }, {}, false],
    [{ key: "gpu", operator: "Exists" }, {}, true],
    [{ key: "tpu", operator: "Exists" }, {}, false],
    [{ operator: "Exists" }, {}, true],
    [{ operator: "Exists", effect: "NoExecute" }, {}, false],
    [{ key: "gpu", operator: "Gt", value: "6" }, {}, true],
    [{ key: "gpu", operator: "Gt", value: "7" }, {}, false],
    [{ key: "gpu", operator: "Lt", value: "8" }, {}, true],
    [{ key: "gpu", operator: "Lt", value: "7" }, {}, false],
  ];
  for (const [toleration, taint, fits] of rows) {
    assert.equal(tolerates(toleration, { ...TAINT, ...taint }), fits, JSON.stringify(toleration));
  }
  const { value: _, ...bare } = TAINT;
  assert.equal(tolerates({ key: "gpu" }, bare), true);
});

Deno.test("the first taint of those effects that no toleration fits is found", () => {
  const other: Taint = { key: "tpu", effect: "NoExecute" };
  const fits: Toleration = { key: "gpu", operator: "Exists" };
  const rows: [
    taints: Taint[] | undefined,
    tolerations: Toleration[] | undefined,
    Taint | undefined,
  ][] = [
    [undefined, undefined, undefined],
    [[TAINT], undefined, TAINT],
    [[TAINT], [], TAINT],
    [[TAINT], [fits], undefined],
    [[TAINT], [{ key: "x" }, fits], undefined],
    [[TAINT], [{ key: "x" }], TAINT],
    [[TAINT, other], [fits], other],
    [[other, TAINT], [], other],
  ];
  for (const [taints, tolerations, expected] of rows) {
    const found = untolerated(taints, tolerations, ["NoSchedule", "NoExecute"]);
    assert.equal(found, expected, JSON.stringify([taints, tolerations]));
  }
  assert.equal(untolerated([other], [], ["NoSchedule"]), undefined);
});
