import assert from "node:assert/strict";
import { firstAt, JsonPathError, parseJsonPath, valuesAt } from "./json_path.ts";
import { JsonPathTemplate } from "./json_path_template.ts";

const boat = {
  spec: { name: "a", "odd.name": 1, crew: [{ role: "cook", age: 5 }, { role: "mate", age: 7 }] },
  list: [1, 2, 3],
};

Deno.test("a path finds its first value", () => {
  const rows: [string, unknown][] = [
    [".spec.name", "a"],
    [".spec.none", undefined],
    [".spec.odd\\.name", 1],
    [".spec['odd.name']", 1],
    [".list[0]", 1],
    [".list[-1]", 3],
    [".list[1:2]", 2],
    [".list[*]", 1],
    [".spec.crew[*].age", 5],
    ['.spec.crew[?(@.role=="mate")].age', 7],
    [".spec.crew[?(@.age>5)].role", "mate"],
    ["..role", "cook"],
    [".spec.constructor", undefined],
  ];
  for (const [path, found] of rows) {
    assert.deepEqual(firstAt(boat, parseJsonPath(path)!), found, path);
  }
});

Deno.test("a path that cannot be read is none, and one that finds everything ends", () => {
  for (const path of ["spec", ".a[", ".a[?(b)]", ".a[?(@.x==]", ".".repeat(2_000)]) {
    assert.equal(parseJsonPath(path), undefined, path);
  }
  const many = Array.from({ length: 50_000 }, () => ({ a: [{ b: 1 }] }));
  assert.equal(firstAt({ many }, parseJsonPath(".many[?(@..c==1)].a")!), undefined);
});

Deno.test("a path that leads to nothing says where, in the words of client-go", () => {
  const rows: [string, string][] = [
    [".spec.none.x", "none is not found"],
    [".list[3]", "array index out of bounds: index 3, length 3"],
    [".list[0:4]", "array index out of bounds: index 3, length 3"],
    [".list[-4]", "array index out of bounds: index -1, length 3"],
    [".list[2:1]", "starting index 2 is greater than ending index 1"],
    [".spec.name[0]", "string is not array or slice"],
    [".spec[0]", "map[string]interface {} is not array or slice"],
    [".list[0,5]", "array index out of bounds: index 5, length 3"],
  ];
  for (const [path, message] of rows) {
    assert.throws(() => valuesAt(boat, parseJsonPath(path)!), new JsonPathError(message), path);
  }
  assert.deepEqual(valuesAt(boat, parseJsonPath(".list[0,2]")!), [1, 3]);
  assert.deepEqual(valuesAt(boat, parseJsonPath(".spec['name','odd.name']")!), ["a", 1]);
  assert.deepEqual(valuesAt(boat, parseJsonPath(".list[1:]")!), [2, 3]);
  assert.deepEqual(valuesAt(boat, parseJsonPath(".spec.crew[?(@.age>9)].role")!), []);
});

Deno.test("a template finds the first value that its paths and texts give", () => {
  const rows: [string, readonly unknown[]][] = [
    ["{$}", [boat]],
    ["{}", [boat]],
    ["{$.spec.name}", ["a"]],
    ["{@.spec.name}", ["a"]],
    ["{ .spec.name }", ["a"]],
    ["{$.list[*]}", [1]],
    ["{range .spec.crew[*]}{.age}{end}", [5]],
    ["{range .spec.crew[?(@.age>9)]}{.age}{end}{.spec.name}", ["a"]],
    ["words {.spec.name}", ["words "]],
    ['{"a}b"}', ["a}b"]],
    ["", []],
    ["{.spec.crew[?(@.age>9)]}", []],
    [`{.spec['odd.name']}`, [1]],
  ];
  for (const [template, found] of rows) {
    assert.deepEqual(new JsonPathTemplate(template).first(boat), found, template);
  }
  for (const template of ["{.a", "{a}", "{end}", "{.a[}", "{.constructor"]) {
    assert.throws(() => new JsonPathTemplate(template).first({ a: 1 }), JsonPathError, template);
  }
  assert.throws(
    () => new JsonPathTemplate("{.constructor}").first({}),
    new JsonPathError("constructor is not found"),
  );
});
