import assert from "node:assert/strict";
import fc from "fast-check";
import { KeyMap } from "./key_map.ts";
import type { Key } from "./store.ts";

const part = fc.constantFrom("", "a", "b");
const arbitraryKey: fc.Arbitrary<Key> = fc.tuple(part, part, part);

Deno.test("a key map holds what a map by path would", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ key: arbitraryKey, value: fc.option(fc.nat()) }), { maxLength: 60 }),
      arbitraryKey,
      (writes, asked) => {
        const map = new KeyMap<number>();
        const model = new Map<string, number>();
        for (const { key, value } of writes) {
          if (value === null) map.delete(key);
          else map.set(key, value);
          if (value === null) model.delete(key.join("/"));
          else model.set(key.join("/"), value);
        }
        assert.equal(map.get(asked), model.get(asked.join("/")));
        assert.equal(map.has(asked), model.has(asked.join("/")));
      },
    ),
    { numRuns: 500 },
  );
});
