import assert from "node:assert/strict";
import { withoutPlace } from "./main.ts";
import { MUTANTS } from "./mutants.ts";

Deno.test("every planted bug has its one place in the code", async () => {
  assert.deepEqual((await withoutPlace(MUTANTS)).map(({ name, file }) => `${file}: ${name}`), []);
});

Deno.test("planted bugs have names of their own", () => {
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
});
