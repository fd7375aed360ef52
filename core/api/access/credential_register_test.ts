import assert from "node:assert/strict";
import {
  EMPTY,
  type Issued,
  ISSUED_MAX,
  RegisterIndex,
  withIdRevoked,
  withIssued,
  withUserRevoked,
} from "./credential_register.ts";

const NOW = "2027-06-01T00:00:00Z";

function credential(id: string, user = "jane", expiresAt?: string): Issued {
  return {
    id,
    type: "certificate",
    user,
    groups: [],
    issuedAt: "2027-01-01T00:00:00Z",
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

Deno.test("what is issued counts until it, or all of its user, has ended", () => {
  let register = withIssued(EMPTY, credential("aa"), NOW);
  register = withIssued(register, credential("bb"), NOW);
  assert.equal(
    withIssued(register, credential("aa"), NOW),
    register,
    "issuing twice changes nothing",
  );
  register = withIdRevoked(register, "aa", NOW);
  const index = new RegisterIndex(register);
  assert.deepEqual([index.isIdRevoked("aa", "jane"), index.isIdRevoked("bb", "jane")], [
    true,
    false,
  ]);
  const later = new RegisterIndex(withUserRevoked(register, "jane", NOW));
  assert.deepEqual([later.isIdRevoked("bb", "jane"), later.isIdRevoked("cc", "jane")], [
    true,
    true,
  ]);
  assert.equal(
    later.isIdRevoked("cc", "jane", { isKnown: true }),
    false,
    "made here, not written yet",
  );
  assert.equal(later.isIdRevoked("aa", "jane", { isKnown: true }), true, "by its id");
  assert.equal(later.isIdRevoked("bb", "joan"), false);
});

Deno.test("what has ended stays ended, however often", () => {
  let register = withIdRevoked(withIdRevoked(EMPTY, "aa", NOW), "aa", NOW);
  register = withUserRevoked(withUserRevoked(register, "jane", NOW), "jane", NOW);
  assert.deepEqual(register.ended, [{ id: "aa", at: NOW }, { user: "jane", at: NOW }]);
  const index = new RegisterIndex(withIssued(register, credential("aa"), NOW));
  assert.ok(index.isIdRevoked("aa", "jane"), "also when it is issued again");
});

Deno.test("beyond a limit the oldest that have expired are forgotten, and nothing that counts", () => {
  const expired = credential("old", "joan", "2027-02-01T00:00:00Z");
  const issued = Array.from({ length: ISSUED_MAX }, (_, i) => credential(i.toString(16)));
  const full = { ...EMPTY, issued: [...issued.slice(1), expired] };
  const next = withIssued(full, credential("new"), NOW);
  assert.equal(next.issued.length, ISSUED_MAX);
  assert.ok(!next.issued.some(({ id }) => id === "old"));
  assert.ok(next.issued.some(({ id }) => id === "1") && next.issued.some(({ id }) => id === "new"));
  assert.equal(withIssued(next, credential("more"), NOW).issued.length, ISSUED_MAX + 1);
});
