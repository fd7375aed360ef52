import assert from "node:assert/strict";
import { firstAt, parseJsonPath } from "./json_path.ts";

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
