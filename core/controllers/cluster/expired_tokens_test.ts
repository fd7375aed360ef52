import assert from "node:assert/strict";
import type { View } from "../../client/client.ts";
import type { Secret } from "../../resources/core/secrets.ts";
import { expiredTokenController } from "./expired_tokens.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function planFor(
  expiration: string | undefined,
  { type = "bootstrap.kubernetes.io/token", namespace = "kube-system" } = {},
) {
  const metadata = { namespace, name: "bootstrap-token-abcdef", uid: "u" };
  const data = {
    "token-id": btoa("abcdef"),
    ...(expiration !== undefined && { expiration: btoa(expiration) }),
  };
  const secret = { metadata, type, data } as unknown as Secret;
  return expiredTokenController.reconcile(secret, {} as View, NOW);
}

Deno.test("a bootstrap token is deleted when it expires, not before, and nothing else is", () => {
  const table: [string, ReturnType<typeof planFor>, number | "deleted" | undefined][] = [
    ["a moment before", planFor("2026-01-01T00:00:00.001Z"), 1],
    ["at its end", planFor("2026-01-01T00:00:00Z"), "deleted"],
    ["long after", planFor("2020-01-01T00:00:00Z"), "deleted"],
    ["one without an end", planFor(undefined), undefined],
    ["one of which nobody can tell", planFor("soon"), undefined],
    ["a Secret of another type", planFor("2020-01-01T00:00:00Z", { type: "Opaque" }), undefined],
    ["of another namespace", planFor("2020-01-01T00:00:00Z", { namespace: "default" }), undefined],
  ];
  for (const [what, { writes: [write], againAfterMs }, expected] of table) {
    assert.equal(write?.verb === "delete" ? "deleted" : againAfterMs, expected, what);
    if (write?.verb === "delete") assert.deepEqual(write.options.preconditions, { uid: "u" });
  }
});
