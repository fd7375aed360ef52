import assert from "node:assert/strict";
import { backendAt, tableOf } from "../threads/proxy_fixture.ts";
import type { Backend } from "../../core/traffic/backends.ts";
import { setsInUse } from "./sets_in_use.ts";

const set = (service: string, hash: string): Backend => ({
  ...backendAt(service, 1),
  set: { namespace: "shop", service, hash, port: 80 },
});

Deno.test("a weight of 0 leads to no set, a mirror does, and backends of no rollout are none", () => {
  const table = tableOf([
    [80, set("stable", "aaa")],
    [0, set("canary", "bbb")],
    [20, backendAt("other", 1)],
  ]);
  assert.deepEqual(setsInUse(table), { shared: ["shop/stable aaa"], addressed: [] });
  const mirrors = [
    { backend: 1, numerator: 1, denominator: 100 },
    { backend: 0, numerator: 0, denominator: 1 },
  ];
  const mirrored = tableOf([[1, backendAt("other", 1)], [0, set("canary", "bbb")]], { mirrors });
  assert.deepEqual(setsInUse(mirrored).shared, ["shop/canary bbb"]);
});

Deno.test("an address leads to the set of its Service, from inside and from outside", () => {
  const lead = { protocol: "TCP", address: "10.96.0.1", port: 80 } as const;
  const listeners = [{ ...lead, name: "a", backend: 0, outside: { backend: 1, inside: [] } }];
  const backends = [set("web", "aaa"), set("web", "bbb")];
  assert.deepEqual(setsInUse({ listeners, backends, problems: [] }), {
    shared: [],
    addressed: ["shop/web aaa", "shop/web bbb"],
  });
});
