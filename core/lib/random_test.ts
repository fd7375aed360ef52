import assert from "node:assert/strict";
import { Random } from "./random.ts";

Deno.test("equal seeds give equal sequences, near seeds unlike ones", () => {
  const draws = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 5 }, () => random.next());
  };
  assert.deepEqual(draws(7), draws(7));
  assert.equal(new Set([...draws(1), ...draws(2), ...draws(3)]).size, 15);
});

Deno.test("numbers are spread evenly over the range", () => {
  const random = new Random(1);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) counts[random.integer(10)]!++;
  for (const count of counts) assert.ok(count > 9_600 && count < 10_400, `${counts}`);
});

Deno.test("uuids have version 4 and do not repeat", () => {
  const random = Random.fromSystem();
  const uuids = Array.from({ length: 10_000 }, () => random.uuid());
  for (const uuid of uuids) {
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  assert.equal(new Set(uuids).size, uuids.length);
});

Deno.test("suffixes have the alphabet of Kubernetes' generated names", () => {
  assert.match(new Random(3).suffix(1000), /^[bcdfghjklmnpqrstvwxz2456789]{1000}$/);
});

Deno.test("every order of a shuffle is as likely as the others", () => {
  const random = new Random(5);
  const counts = new Map<string, number>();
  for (let i = 0; i < 6_000; i++) {
    const order = random.shuffled(["a", "b", "c"]).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(counts.size, 6);
  for (const count of counts.values()) assert.ok(count > 850 && count < 1150, `${[...counts]}`);
  assert.equal(random.pick([]), undefined);
});
