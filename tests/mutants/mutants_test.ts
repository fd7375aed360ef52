import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { mutantsOf } from "./auto.ts";
import { EQUIVALENT_MUTANTS, isEquivalent } from "./equivalent_mutants.ts";
import { withoutPlace } from "./main.ts";
import { MUTANTS } from "./mutants.ts";

Deno.test("every planted bug has its one place in the code", async () => {
  assert.deepEqual((await withoutPlace(MUTANTS)).map(({ name, file }) => `${file}: ${name}`), []);
});

Deno.test("planted bugs have names of their own", () => {
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
});

Deno.test("every mutant that is said to be equivalent is one that would be made", async () => {
  for (const known of EQUIVALENT_MUTANTS) {
    const path = fileURLToPath(new URL(`../../${known.file}`, import.meta.url));
    const mutants = mutantsOf(await Deno.readTextFile(path));
    const isMade = mutants.some((mutant) =>
      isEquivalent(known.file, mutant) && mutant.was.trim() === known.was &&
      mutant.becomes?.trim() === known.becomes
    );
    assert.ok(isMade, `${known.file}: ${known.was}`);
  }
});
