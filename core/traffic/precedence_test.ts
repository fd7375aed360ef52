import assert from "node:assert/strict";
import type { KubeObject } from "../resources/resource.ts";
import { olderFirst } from "./precedence.ts";

function object(key: string, day: number): KubeObject {
  const [namespace, name] = key.split("/");
  const creationTimestamp = `2026-01-0${day}T00:00:00Z`;
  return { metadata: { namespace, name, creationTimestamp } } as KubeObject; // as much as is read
}

Deno.test("the older object comes first, of equally old ones the first by namespace and name", () => {
  const rows: [first: KubeObject, second: KubeObject][] = [
    [object("b/b", 1), object("a/a", 2)],
    [object("a/b", 1), object("b/a", 1)],
    [object("a/a", 1), object("a/b", 1)],
  ];
  for (const [first, second] of rows) {
    assert.deepEqual([first, second].sort(olderFirst), [first, second]);
    assert.deepEqual([second, first].sort(olderFirst), [first, second]);
    assert.equal(olderFirst(first, second), -1);
    assert.equal(olderFirst(second, first), 1);
  }
});
