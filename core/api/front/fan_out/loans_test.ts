import assert from "node:assert/strict";
import fc from "fast-check";
import { LENT_BYTES_MAX, loanOf, Loans, loanWords } from "./loans.ts";

Deno.test("a loan survives its way through the ring, wherever its bytes are; an entry of a connection is none", () => {
  const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(
      word,
      fc.record(
        { id: word, address: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), length: word },
        { noNullPrototype: true },
      ),
      (connection, loan) => {
        const words = new Uint32Array(loanWords(connection, loan));
        assert.deepEqual([words[0], loanOf(words)], [connection, loan]);
      },
    ),
  );
  assert.equal(loanOf(new Uint32Array([1, 2])), undefined);
});

Deno.test("there is room to lend until as much as the limit is lent, and again when some of it is returned", async () => {
  const loans = new Loans();
  const half = new Uint8Array(LENT_BYTES_MAX / 2);
  const first = loans.lend(half);
  assert.equal(loans.hasRoom, true);
  loans.lend(half);
  assert.equal(loans.hasRoom, false);
  loans.return(first.loan.id);
  loans.return(first.loan.id); // what nobody has lent changes nothing
  await first.returned;
  assert.equal(loans.hasRoom, true);
  loans.lend(half);
  loans.returnAll();
  loans.lend(half);
  assert.equal(loans.hasRoom, true);
});
