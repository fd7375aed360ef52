import assert from "node:assert/strict";

const PAGE = "docs/SECURITY.md";
/** A link to a test: label, path from docs/, name of the test. */
const TEST_LINK = /\[[^\]]+\]\(\.\.\/([\w/]+_test\.ts) "([^"]+)"\)/g;
/** A link to a constant: its name, path from docs/. */
const LIMIT_LINK = /\[`(\w+)`\]\(\.\.\/([\w/]+\.ts)\)/g;

const text = Deno.readTextFileSync(PAGE);

Deno.test("each promise of docs/SECURITY.md names an existing test", () => {
  const promises = rowsOf("What is promised");
  assert.ok(promises.length >= 20, `${promises.length} promises are read`);
  const faults = promises.flatMap((row) => {
    const tests = [...row.matchAll(TEST_LINK)];
    if (tests.length === 0) return [`names no test: ${row}`];
    return tests.filter(([, path, name]) => !hasTest(path!, name!)).map(([link]) => link);
  });
  assert.deepEqual(faults, []);
});

Deno.test("each limit of docs/SECURITY.md is a constant of that name", () => {
  const limits = rowsOf("Limits");
  assert.ok(limits.length >= 15, `${limits.length} limits are read`);
  const faults = limits.filter((row) => {
    const [link] = row.matchAll(LIMIT_LINK);
    return !link || !new RegExp(`const ${link[1]}\\b`).test(textOf(link[2]!));
  });
  assert.deepEqual(faults, []);
});

/** The rows of all tables below a heading of the second level, without their heads. */
function rowsOf(heading: string): readonly string[] {
  const start = text.indexOf(`\n## ${heading}\n`);
  assert.ok(start >= 0, `no section "${heading}"`);
  const end = text.indexOf("\n## ", start + 1);
  const section = text.slice(start, end < 0 ? undefined : end);
  return [...section.matchAll(/^\| -[-| ]+\|\n((?:\|.*\n?)+)/gm)]
    .flatMap(([, rows]) => rows!.trim().split("\n"));
}

/** Whether a file contains the name of a test, in full or with a hint appended. */
function hasTest(path: string, name: string): boolean {
  const source = textOf(path);
  return [`"${name}"`, `\`${name}\``, `\`${name}\${`].some((literal) => source.includes(literal));
}

function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
