import assert from "node:assert/strict";
import { assess } from "../../analysis/providers/conditions.ts";
import { termsIn } from "./analysis_text.ts";
import { stepsIn } from "./canary_text.ts";

const minute = { pause: { duration: 60 } };

const STEPS: readonly [text: string, steps: object[] | RegExp][] = [
  ["10%", [{ setWeight: 10 }, minute]],
  ["10%,100%", [{ setWeight: 10 }, minute, { setWeight: 100 }, minute]],
  [" 5% , 20%:90s ", [{ setWeight: 5 }, minute, { setWeight: 20 }, { pause: { duration: 90 } }]],
  ["50%:1h,0%:pause", [
    { setWeight: 50 },
    { pause: { duration: 3_600 } },
    { setWeight: 0 },
    { pause: {} },
  ]],
  ["50%:1500ms", [{ setWeight: 50 }, { pause: { duration: 2 } }]],
  ["", /cannot read ""/],
  ["10", /cannot read "10"/],
  ["10%,", /cannot read ""/],
  ["101%", /more than 100%/],
  ["-1%", /cannot read "-1%"/],
  ["10%:0s", /"0s" is no time in "10%:0s"/],
  ["10%:x,b", /cannot read the time "x", .* in "10%:x"[^]*cannot read "b"/],
  [new Array(51).fill("1%").join(), /more than 50 weights/],
];

for (const [text, expected] of STEPS) {
  Deno.test(`coracle.dev/canary: ${text.slice(0, 40)}`, () => {
    const read = stepsIn(text);
    if (expected instanceof RegExp) {
      assert.ok("causes" in read);
      assert.match(read.causes.join("\n"), expected);
    } else assert.deepEqual(read, { value: expected });
  });
}

const MEASURED = "result.p50 != nil && ";

const TERMS: readonly [text: string, conditions: string[] | RegExp][] = [
  ["errors<1%", ["result.errorRatio < 0.01"]],
  ["errors <= 1.1%", ["result.errorRatio <= 0.011"]],
  ["errors<0.05", ["result.errorRatio < 0.05"]],
  ["p50<10ms,p95<1.5s,p99<300ms", ["result.p50 < 10", "result.p95 < 1500", "result.p99 < 300"]],
  ["rate>5/s", ["result.rate > 5"]],
  ["errors<1ms", /"errors<1ms" must have % or no unit/],
  ["p99<300", /"p99<300" must have ms or s/],
  ["constructor<1", /"constructor" is none of errors, p50/],
  ["errors<1%,errors<2%", /"errors" is said twice/],
  ["errors<1%;p99<3ms", /cannot read/],
  ["errors", /cannot read "errors"/],
  ["", /cannot read ""/],
];

for (const [text, expected] of TERMS) {
  Deno.test(`coracle.dev/analysis: ${text}`, () => {
    const read = termsIn(text);
    if (expected instanceof RegExp) {
      assert.ok("causes" in read);
      assert.match(read.causes.join("\n"), expected);
    } else {
      assert.ok("value" in read, JSON.stringify(read));
      const conditions = read.value.map(({ success }) => success.replace(MEASURED, ""));
      assert.deepEqual(conditions, expected);
    }
  });
}

const RESULTS: readonly [what: string, result: Record<string, number | null>, string][] = [
  ["good", { errorRatio: 0, p50: 3, p99: 300, rate: 9 }, "Successful,Successful,Successful"],
  ["bad", { errorRatio: 0.01, p50: 3, p99: 301, rate: 5 }, "Failed,Failed,Failed"],
  [
    "connections alone",
    { errorRatio: 0, p50: null, p99: null, rate: 9 },
    "Inconclusive,Inconclusive,Inconclusive",
  ],
];

for (const [what, result, phases] of RESULTS) {
  Deno.test(`coracle.dev/analysis: ${what}: ${phases}`, () => {
    const read = termsIn("errors<1%,p99<=300ms,rate>5");
    assert.ok("value" in read);
    const found = read.value.map(({ success, failure }) =>
      assess(result, { successCondition: success, failureCondition: failure }, () => 0).phase
    );
    assert.equal(found.join(), phases);
  });
}
