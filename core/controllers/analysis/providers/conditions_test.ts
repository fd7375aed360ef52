import assert from "node:assert/strict";
import { assess, holds } from "./conditions.ts";
import type { Value } from "../../../lib/expressions/values/values.ts";

const nowMs = () => 0;

Deno.test("a metric without conditions succeeds; one condition decides both ways; of two the failure wins", () => {
  const cases: [string | undefined, string | undefined, string][] = [
    [undefined, undefined, "Successful"],
    ["", "", "Successful"],
    ["result > 1", undefined, "Successful"],
    ["result > 5", undefined, "Failed"],
    [undefined, "result > 5", "Successful"],
    [undefined, "result > 1", "Failed"],
    ["result > 1", "result > 1", "Failed"],
    ["result > 1", "result > 5", "Successful"],
    ["result > 5", "result > 5", "Inconclusive"],
    ["result > 5", "result > 1", "Failed"],
  ];
  for (const [successCondition, failureCondition, phase] of cases) {
    assert.deepEqual(assess(3, { successCondition, failureCondition }, nowMs), { phase });
  }
});

Deno.test("a condition that cannot be evaluated is an error with the words of Argo Rollouts", () => {
  const cases: [string, Value, string][] = [
    ["result", 3, "expected bool, but got float64"],
    ["asInt(result)", 3, "expected bool, but got int64"],
    ["result.a", {}, "expected bool, but got <nil>"],
    ["reslt > 1", 3, "unknown name reslt"],
    ["result[0] > 1", new Float64Array(0), "reflect: slice index out of range"],
    ["asFloat(result) > 1", "x", 'strconv.ParseFloat: parsing "x": invalid syntax'],
    ["result >", 3, "unexpected token EOF"],
    ["result > 'a'", 3, "invalid operation: > (mismatched types float64 and string)"],
    ["result.a > 'a'", { a: 1 }, "invalid operation: float64 > string"],
  ];
  for (const [successCondition, result, message] of cases) {
    assert.deepEqual(assess(result, { successCondition }, nowMs), { phase: "Error", message });
    const asFailure = assess(result, { failureCondition: successCondition }, nowMs);
    assert.deepEqual(asFailure, { phase: "Error", message });
  }
});

Deno.test("what is nil has a default, whatever the first parameter says", () => {
  assert.equal(holds("default(result, 0) < 5", null, nowMs), true);
  assert.equal(holds("default(result, 0) < 5", 7, nowMs), false);
  assert.equal(holds("isNil(result)", null, nowMs), true);
  assert.equal(holds("isNil(nil)", 7, nowMs), false);
});

interface Recorded {
  condition: string;
  result?: Value;
  vector?: readonly number[];
  value?: boolean;
  error?: string;
}

Deno.test("7,220 recorded verdicts and errors are those of Argo Rollouts with antonmedv/expr 1.15.5", async () => {
  const file = await Deno.open(new URL("fixtures/verdicts.jsonl.gz", import.meta.url));
  const text = await new Response(file.readable.pipeThrough(new DecompressionStream("gzip")))
    .text();
  const recorded = text.split("\n").map((line) => JSON.parse(line) as Recorded);
  assert.equal(recorded.length, 7_220);
  for (const { condition, result = null, vector, value, error } of recorded) {
    const given = vector ? Float64Array.from(vector) : result;
    const said = outcomeOf(condition, given);
    assert.deepEqual(said, value ?? error, `${condition} of ${JSON.stringify(vector ?? result)}`);
  }
});

function outcomeOf(condition: string, result: Value): boolean | string {
  const { phase, message } = assess(result, { successCondition: condition || " " }, nowMs);
  return phase === "Error" ? message! : phase === "Successful";
}
