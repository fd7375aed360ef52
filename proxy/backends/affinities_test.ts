import assert from "node:assert/strict";
import type { Backend } from "../../core/traffic/backends.ts";
import { Backends } from "./backends.ts";

const endpoint = (last: number) => ({ address: `10.0.0.${last}`, port: 80, podUid: String(last) });
const backend = (lasts: readonly number[], affinityMs?: number): Backend => ({
  name: "default/web:80",
  state: "valid",
  endpoints: lasts.map(endpoint),
  ...(affinityMs !== undefined && { affinityMs }),
});

function claimed(backends: Backends, definition: Backend, client: string, nowMs: number): string {
  const [live] = backends.build([definition]).live;
  return live!.claimFor(client, nowMs)!.endpoint.address;
}

Deno.test("a client stays with its endpoint until it has been away for the time, across tables", () => {
  const backends = new Backends(() => {});
  const four = backend([1, 2, 3, 4], 10_000);
  const first = claimed(backends, four, "a", 0);
  for (const nowMs of [9_000, 18_000, 27_000]) {
    for (const other of ["b", "c", "d"]) claimed(backends, four, other, nowMs);
    assert.equal(claimed(backends, four, "a", nowMs), first);
  }
  const after = new Set(["a", "a", "a"].map((_, i) => claimed(backends, four, "a", 37_000 + i)));
  assert.equal(after.size, 1);
});

Deno.test("without affinity clients are shared out", () => {
  const backends = new Backends(() => {});
  const [live] = backends.build([backend([1, 2])]).live;
  const seen = new Set([0, 1].map(() => live!.claimFor("a", 0)!.key));
  assert.equal(seen.size, 2);
});

Deno.test("a client whose endpoint has gone, or has just failed, gets another one, and stays with that", () => {
  const backends = new Backends(() => {});
  const first = claimed(backends, backend([1, 2], 10_000), "a", 0);
  const other = first.endsWith(".1") ? 2 : 1;
  assert.equal(claimed(backends, backend([other], 10_000), "a", 1), `10.0.0.${other}`);
  assert.equal(claimed(backends, backend([1, 2], 10_000), "a", 2), `10.0.0.${other}`);
  const [live] = backends.build([backend([1, 2], 10_000)]).live;
  const failed = live!.endpoints.find(({ endpoint }) => endpoint.podUid === String(other));
  assert.equal(live!.claimFor("a", 3, failed)!.endpoint.address, first);
});
