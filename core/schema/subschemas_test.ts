import assert from "node:assert/strict";
import { list, mapOf, object, type Schema, string } from "./schema.ts";
import { withSubschema } from "./subschemas.ts";

const name = string("Name.");
const title = string("Title.");
const untouched = object("Other.", { value: string("Value.") });
const schema = object("All.", {
  one: object("One.", { name, other: untouched }),
  many: list("Many.", object("Each.", { name })),
  named: mapOf("By name.", name),
  other: untouched,
});

Deno.test("a subschema is replaced wherever it stands, and nothing else changes", () => {
  const next = withSubschema(schema, name, title);
  assert.deepEqual(
    next,
    object("All.", {
      one: object("One.", { name: title, other: untouched }),
      many: list("Many.", object("Each.", { name: title })),
      named: mapOf("By name.", title),
      other: untouched,
    }),
  );
  assert.equal(next.properties?.["other"], untouched);
});

Deno.test("a schema in which the subschema does not stand stays the same object, as does an equal one", () => {
  assert.equal(withSubschema(schema, string("Name."), title), schema);
  assert.equal(withSubschema(name, name, title), title);
});

Deno.test("a schema that contains itself comes to an end", () => {
  const tree = {
    ...object("A tree.", { name }),
    get items() {
      return tree;
    },
  } as Schema;
  assert.equal(withSubschema(tree, name, title).properties!["name"], title);
});
