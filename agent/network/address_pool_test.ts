import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressPool } from "./address_pool.ts";

Deno.test("a pool hands out all addresses but network, gateway and broadcast, each once", () => {
  const pool = new AddressPool("10.42.0.0/29");
  const claimed = Array.from({ length: 5 }, () => pool.claim());
  assert.deepEqual(claimed, ["10.42.0.2", "10.42.0.3", "10.42.0.4", "10.42.0.5", "10.42.0.6"]);
  assert.equal(pool.gatewayIP, "10.42.0.1");
  assert.throws(() => pool.claim(), /all of "10.42.0.0\/29" are used/);
});

Deno.test("an address that was let go is the last to come again", () => {
  const pool = new AddressPool("10.42.0.0/29");
  pool.release(pool.claim());
  assert.deepEqual(Array.from({ length: 5 }, () => pool.claim()).at(-1), "10.42.0.2");
});

Deno.test("no two pods ever hold one address", () => {
  fc.assert(fc.property(fc.array(fc.nat(20)), (choices) => {
    const pool = new AddressPool("10.42.0.0/27");
    const held: string[] = [];
    for (const choice of choices) {
      if (choice < held.length) pool.release(held.splice(choice, 1)[0]!);
      else if (held.length < 29) held.push(pool.claim());
      assert.equal(new Set(held).size, held.length);
      assert.ok(held.every((ip) => pool.holds(ip)));
    }
  }));
});

Deno.test("a range that is none, or too small, is refused", () => {
  for (const cidr of ["10.42.0.1/24", "nonsense", "10.42.0.0/31", "fd00::/64"]) {
    assert.throws(() => new AddressPool(cidr), /not an IPv4 range/);
  }
});
