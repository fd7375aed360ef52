import assert from "node:assert/strict";
import { type SubjectKind, subjectsOf } from "./subjects.ts";

type Kinds = readonly [SubjectKind, ...SubjectKind[]];
const BOTH: Kinds = ["rollout", "experiment"];

const ROWS: readonly [words: string, Kinds, named: string][] = [
  ["web", BOTH, "rollout web"],
  ["web api", BOTH, "rollout web, rollout api"],
  ["ro/web exp/check", BOTH, "rollout web, experiment check"],
  ["deployment/web", BOTH, "rollout web"],
  ["experiment check", BOTH, "experiment check"],
  ["rollout a b", BOTH, "rollout a, rollout b"],
  ["rollout", BOTH, "rollout rollout"],
  ["rollout exp/check", BOTH, "rollout rollout, experiment check"],
  ["constructor a", BOTH, "rollout constructor, rollout a"],
  ["run-1", ["analysisrun", "experiment"], "analysisrun run-1"],
  ["ar run-1", ["analysisrun", "experiment"], "analysisrun run-1"],
];

for (const [words, kinds, named] of ROWS) {
  Deno.test(`coracle rollout … ${words}: ${named}`, () => {
    const subjects = subjectsOf(words.split(" "), kinds);
    assert.equal(subjects.map(({ kind, name }) => `${kind} ${name}`).join(", "), named);
  });
}

Deno.test("coracle rollout: a kind that is not possible, and a name that is none, are refused", () => {
  assert.throws(() => subjectsOf(["pod/web"], BOTH), /"pod" is not possible here/);
  assert.throws(() => subjectsOf(["constructor/web"], BOTH), /"constructor" is not possible/);
  assert.throws(() => subjectsOf(["exp/check"], ["rollout"]), /must be one of rollout/);
  assert.throws(() => subjectsOf(["ro/"], BOTH), /must be NAME or KIND\/NAME/);
  assert.throws(() => subjectsOf(["a/b/c"], BOTH), /must be NAME or KIND\/NAME/);
});
