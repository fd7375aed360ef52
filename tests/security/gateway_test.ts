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

const ADMIN = ["/%61dmin", "//admin", "/x/../admin", "/x/%2e%2e/admin", "/./admin", "/admin;x"];

Deno.test("a stranger passes no route by another spelling of its path, and the bytes arrive unchanged", () =>
  withSite(async (site) => {
    const services = [...site.service("bank", site.a), ...site.service("bank", site.b)];
    const routes = routeOf("bank", [["/", "a"], ["/admin", "b"]]);
    await site.use(site.gateway("bank", OLD), ...services, routes);
    for (const path of [...ADMIN, "/x/..;/admin", "/x/%2E./%61dmin/?/../"]) {
      assert.equal(bodyOf(await site.get(path)), "b", path);
      assert.equal(site.b.take().split(" ")[1], path);
    }
    const refused = [
      "/admin%2f",
      "/x%2F..%2Fadmin",
      "/x\\..\\admin",
      "/x%5c..%5cadmin",
      "/admin%00",
    ];
    for (const path of [...refused, "/%zz", "/%c0%af"]) {
      assert.equal(statusOf(await site.get(path)), 400, path);
    }
    assert.deepEqual([...site.a.requests, ...site.b.requests], []);
    const allowed = {
      "coracle.dev/allow-encoded-slash": "true",
      "coracle.dev/allow-backslash": "true",
      "coracle.dev/allow-encoded-null": "true",
    };
    await site.use(site.gateway("bank", OLD, {}, allowed), ...services, routes);
    for (const path of refused) {
      assert.equal(bodyOf(await site.get(path)), "b", path);
      assert.equal(site.b.take().split(" ")[1], path);
    }
  }));

const CLAIMS = {
  "X-Forwarded-For": "6.6.6.6",
  "x-forwarded-PROTO": "https",
  "X-Forwarded-Host": "evil",
  "X-Forwarded-User": "admin",
  "Forwarded": "for=6.6.6.6",
  "X-Real-IP": "6.6.6.6",
  "X-Original-URL": "/admin",
};
const NEVER = { "X_Forwarded_For": "6.6.6.6", "Proxy": "http://evil", "Content_Length": "5" };
const linesOf = (fields: object) =>
  Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join("");

Deno.test("a stranger's claims about itself are not passed on", () =>
  withSite(async (site) => {
    const rest = [...site.service("bank", site.a), routeOf("bank", [["/", "a"]])];
    await site.use(site.gateway("bank", OLD), ...rest);
    await site.get("/", linesOf({ ...CLAIMS, ...NEVER, "X-Kept": "1" }));
    assert.equal(
      site.a.take(),
      "GET / HTTP/1.1\r\nHost: bank.example\r\nX-Kept: 1\r\nX-Forwarded-For: 127.0.0.1\r\n" +
        "X-Forwarded-Proto: http\r\nX-Forwarded-Host: bank.example\r\n\r\n",
    );
    const trusted = { "coracle.dev/trusted-proxies": "192.0.2.0/24, 127.0.0.1" };
    await site.use(site.gateway("bank", OLD, {}, trusted), ...rest);
    await site.get("/", linesOf({ ...CLAIMS, ...NEVER }));
    const { "X-Forwarded-For": client, ...kept } = CLAIMS;
    assert.equal(
      site.a.take(),
      `GET / HTTP/1.1\r\nHost: bank.example\r\n${linesOf(kept)}` +
        `X-Forwarded-For: ${client}, 127.0.0.1\r\n\r\n`,
    );
    await site.get("/", "X-Forwarded-For: 6.6.6.6\r\nConnection: X-Forwarded-For\r\n");
    assert.match(site.a.take(), /\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n/);
  }));

Deno.test("a stranger selects no route by a header field that is not passed on", () =>
  withSite(async (site) => {
    const services = [...site.service("bank", site.a), ...site.service("bank", site.b)];
    const headers = [{ name: "X-Real-IP", value: "10.0.0.1" }];
    const inner = { matches: [{ headers }] };
    await site.use(
      site.gateway("bank", OLD),
      ...services,
      routeOf("bank", [["/", "a"], ["/", "b", inner]]),
    );
    assert.equal(bodyOf(await site.get("/", "X-Real-IP: 10.0.0.1\r\n")), "a");
  }));

Deno.test("a stranger smuggles no field in a trailer, nor does a backend that was not asked for trailers", () =>
  withSite(async (site) => {
    await site.use(
      site.gateway("bank", OLD),
      ...site.service("bank", site.a),
      routeOf("bank", [["/", "a"]]),
    );
    const head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
    const trailers = "Authorization: Bearer evil\r\nX-Real-IP: 6.6.6.6\r\n";
    const chunks = (trailers: string) => `2\r\nhi\r\n0\r\n${trailers}\r\n`;
    assert.equal(bodyOf(await site.raw(`${head}TE: trailers\r\n\r\n${chunks(trailers)}`)), "a");
    assert.ok(site.a.take().endsWith(`\r\n\r\n${chunks("")}`));
    const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    site.a.answer = async (connection) => {
      await connection.write(new TextEncoder().encode(answer + chunks("X-Sum: 1\r\n")));
    };
    assert.equal(bodyOf(await site.get("/")), chunks(""));
    assert.equal(bodyOf(await site.get("/", "TE: trailers\r\n")), chunks("X-Sum: 1\r\n"));
    assert.match(site.a.take(), /\r\nConnection: TE\r\nTE: trailers\r\n\r\n$/);
  }));

Deno.test("a stranger cannot show one host to a route and another to the backend: the target's host counts", () =>
  withSite(async (site) => {
    await site.use(
      site.gateway("bank", OLD),
      ...site.service("bank", site.a),
      ...site.service("bank", site.b),
      routeOf("bank", [["/", "a"]], { name: "one", hostnames: ["one.example"] }),
      routeOf("bank", [["/", "b"]], { name: "two", hostnames: ["two.example"] }),
    );
    for (const [target, path] of [["/p?q", "/p?q"], ["", "/"], ["?q", "/?q"]]) {
      const answer = await site.get(`http://two.example${target}`, "", "one.example");
      assert.equal(bodyOf(answer), "b");
      const request = site.b.take();
      assert.ok(request.startsWith(`GET ${path} HTTP/1.1\r\nHost: two.example\r\n`), request);
      assert.match(request, /\r\nX-Forwarded-Host: two.example\r\n/);
      assert.doesNotMatch(request, /one/);
    }
    assert.equal(statusOf(await site.get("https://two.example/")), 421);
    assert.deepEqual(site.a.requests, []);
  }));

Deno.test("a stranger learns no name of a namespace or a Service from an error", () =>
  withSite(async (site) => {
    await site.use(
      site.gateway("bank", OLD),
      {
        kind: "Service",
        metadata: { name: "vault", namespace: "bank" },
        spec: { ports: [{ port: 80 }] },
      },
      ...site.service("bank", site.a),
      routeOf("bank", [["/none", "secret"], ["/empty", "vault"], ["/gone", "a"]]),
    );
    await site.a.stop();
    for (
      const [path, status] of [["/none", 500], ["/empty", 503], ["/gone", 502], [
        "/x",
        404,
      ]] as const
    ) {
      const answer = await site.get(path);
      assert.equal(statusOf(answer), status);
      assert.doesNotMatch(answer, /bank|secret|vault/);
    }
  }));
