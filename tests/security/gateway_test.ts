import assert from "node:assert/strict";
import { bodyOf, GatewaySite, routeOf, statusOf } from "./gateway_site.ts";

const OLD = "2026-01-01T00:00:00Z", NEW = "2026-02-01T00:00:00Z";

async function withSite(test: (site: GatewaySite) => Promise<void>): Promise<void> {
  const site = GatewaySite.start();
  try {
    await test(site);
  } finally {
    await site.stop();
  }
}

Deno.test("the user of a namespace gets no request of another one's Gateway, by whatever Gateway or route", () =>
  withSite(async (site) => {
    const hostname = { hostname: "bank.example" };
    const bank = (listener: object) => [
      site.gateway("bank", OLD, listener),
      ...site.service("bank", site.a),
      routeOf("bank", [["/", "a"]]),
    ];
    const evil = [
      ...site.service("evil", site.b),
      routeOf("evil", [["/attach", "b"]], { name: "attach", gateway: "bank" }),
      routeOf("evil", [["/login", "b"], ["/", "b"]], { name: "steal" }),
    ];
    for (const [owned, wanted] of [[hostname, hostname], [{}, hostname], [{}, {}]] as const) {
      await site.use(...bank(owned), ...evil, site.gateway("evil", NEW, wanted));
      for (const path of ["/login", "/attach", "/"]) {
        assert.equal(bodyOf(await site.get(path)), "a", path);
      }
    }
  }));

Deno.test("the user of a namespace reaches no Service of another one by a route of its own", () =>
  withSite(async (site) => {
    await site.use(
      site.gateway("evil", OLD),
      ...site.service("bank", site.a),
      routeOf("evil", [["/", "a", { backendRefs: [{ name: "a", namespace: "bank", port: 80 }] }]]),
    );
    assert.equal(statusOf(await site.get("/")), 500);
    assert.deepEqual(site.a.requests, []);
  }));
