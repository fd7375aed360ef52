import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { mutantsOf } from "./auto.ts";
import { EQUIVALENT_MUTANTS } from "./equivalent_mutants.ts";
import { misplacedOf } from "./main.ts";
import { MUTANTS } from "./mutants.ts";

Deno.test("the text that each planted bug replaces occurs once in its file", async () => {
  assert.deepEqual((await misplacedOf(MUTANTS)).map(({ name, file }) => `${file}: ${name}`), []);
});

Deno.test("the names of planted bugs are unique", () => {
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
});

Deno.test("every known equivalent mutant is one that the tool still makes", async () => {
  for (const known of EQUIVALENT_MUTANTS) {
    const path = fileURLToPath(new URL(`../../${known.file}`, import.meta.url));
    const mutants = mutantsOf(await Deno.readTextFile(path));
    const isMade = mutants.some(({ was, becomes }) =>
      was.trim() === known.was && becomes?.trim() === known.becomes
    );
    assert.ok(isMade, `${known.file}: ${known.was}`);
  }
});
