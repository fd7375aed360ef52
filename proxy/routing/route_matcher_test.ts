import assert from "node:assert/strict";
import fc from "fast-check";
import { Balancer, slotsOf } from "../backends/balancer.ts";
import { LiveSplit } from "../backends/split.ts";
import { ascii } from "../messages/characters.ts";
import { Head } from "../messages/head.ts";
import { parseRequest } from "../messages/request_head.ts";
import { RouteMatcher } from "./route_matcher.ts";
import { NormalPath } from "./normal_path.ts";
import type { ListenerHost, PathType, Route, RouteMatch } from "../table/route_table.ts";

const SPLIT = new LiveSplit([], {
  balancer: new Balancer(slotsOf([1]), new Int32Array(1), 0),
  backends: [],
});

Deno.test("paths: exact, by prefix of whole parts, by pattern", () => {
  const cases: [type: PathType, value: string, fits: string[], not: string[]][] = [
    ["PathPrefix", "/", ["/", "/a", "/?q"], []],
    ["PathPrefix", "/a", ["/a", "/a/", "/a/b", "/a?q"], ["/", "/ab", "/A", "/b/a"]],
    ["PathPrefix", "/a/", ["/a", "/a/", "/a/b"], ["/ab"]],
    ["Exact", "/a", ["/a", "/a?q"], ["/a/", "/a/b", "/"]],
    ["RegularExpression", "/[0-9]+", ["/1", "/12?q"], ["/", "/1a", "/a/1"]],
  ];
  for (const [type, value, fits, not] of cases) {
    const matcher = matcherOf([route("hit", { path: { type, value } })]);
    for (const path of fits) assert.equal(found(matcher, path), "hit", `${type} ${value}: ${path}`);
    for (const path of not) {
      assert.equal(found(matcher, path), undefined, `${type} ${value}: ${path}`);
    }
  }
});

Deno.test("hosts: the port and the case do not count, a wildcard is for one part or more", () => {
  const matcher = matcherOf([
    route("exact", {}, "a.example.com"),
    route("wild", {}, "*.example.com"),
    route("any", {}, ""),
  ]);
  const cases = {
    "a.example.com": "exact",
    "A.EXAMPLE.com:8080": "exact",
    "a.example.com.": "exact",
    "b.example.com": "wild",
    "c.b.example.com:1": "wild",
    "example.com": "any",
    "badexample.com": "any",
    "[::1]:80": "any",
    "": "any",
  };
  for (const [host, name] of Object.entries(cases)) {
    assert.equal(found(matcher, "/", host), name, host);
  }
});

Deno.test("a request belongs to the most specific listener, and to no other", () => {
  const matcher = new RouteMatcher(
    [
      { hostname: "a.example.com", routes: [route("a", { path: { type: "Exact", value: "/a" } })] },
      { hostname: "", routes: [route("any", {})] },
    ],
    (rule) => ({ rule, split: SPLIT, mirrors: [] }),
  );
  assert.equal(found(matcher, "/a", "a.example.com"), "a");
  assert.equal(found(matcher, "/b", "a.example.com"), undefined);
  assert.equal(found(matcher, "/b", "b.example.com"), "any");
});

Deno.test("method, headers and query parameters must all fit", () => {
  const matcher = matcherOf([route("hit", {
    method: "POST",
    headers: [
      { type: "Exact", name: "x-a", value: "1" },
      { type: "RegularExpression", name: "x-b", value: "v[0-9]" },
    ],
    queryParams: [{ type: "Exact", name: "q", value: "a b" }],
  })]);
  const ask = (method: string, query: string, fields: string) =>
    found(matcher, `/${query}`, "a", method, fields);
  const all = "x-A:  1 \r\nX-B: v7\r\n";
  assert.equal(ask("POST", "?q=a%20b", all), "hit");
  assert.equal(ask("POST", "?x=1&q=a+b&q=c", all), "hit");
  assert.equal(ask("GET", "?q=a%20b", all), undefined);
  assert.equal(ask("POST", "?q=a", all), undefined);
  assert.equal(ask("POST", "", all), undefined);
  assert.equal(ask("POST", "?q=a%20b", "X-A: 1\r\n"), undefined);
  assert.equal(ask("POST", "?q=a%20b", "X-A: 1\r\nX-B: v7x\r\n"), undefined);
  assert.equal(ask("POST", "?q=a%20b", `${all}X-A: 2\r\n`), undefined);
});

Deno.test("paths are compared in their normal form; parameters count for routes that name some", () => {
  const matcher = matcherOf([
    route("exact", { path: { type: "Exact", value: "/%61dmin/%7euser" } }),
    route("versioned", { path: { type: "PathPrefix", value: "/a;v=1" } }),
    route("pattern", { path: { type: "RegularExpression", value: "/x/[0-9]+" } }),
    route("admin", { path: { type: "PathPrefix", value: "/admin" } }),
    route("all", {}),
  ]);
  const cases = {
    "/admin/~user": "exact",
    "/admin/%7Euser?x": "exact",
    "/admin//./~user;x": "exact",
    "/admin/~user/": "admin",
    "/admin": "admin",
    "/x/%2e%2e/%61dmin;y/z": "admin",
    "/a;v=1": "versioned",
    "/%61;v%3d1/b;c": "versioned",
    "/a;v=2": "all",
    "/a": "all",
    "/x/%31%32": "pattern",
    "/x/1/../2;z": "pattern",
    "/administrator": "all",
    "/admin%2Fx": "refused: %2F in the path",
    "http://b//admin": "admin",
    "http://b": "all",
    "http://b?/admin": "all",
  };
  for (const [target, name] of Object.entries(cases)) {
    assert.equal(found(matcher, target), name, target);
  }
});

Deno.test("a preflight request is for the route of the method that is asked for, when it has a CORS filter", () => {
  const cors = {
    allowOrigins: ["*"],
    allowCredentials: false,
    maxAgeSeconds: 5,
    allowMethods: [],
    allowHeaders: [],
    exposeHeaders: [],
  };
  const put = route("put", { method: "PUT" });
  const routes = [
    { ...put, rule: { ...put.rule, cors } },
    route("delete", { method: "DELETE" }),
    route("options", { method: "OPTIONS" }),
  ];
  const asked = (method: string) =>
    found(matcherOf(routes), "/", "a", "OPTIONS", `Access-Control-Request-Method:  ${method} \r\n`);
  assert.equal(asked("PUT"), "put");
  assert.equal(asked("DELETE"), "options");
  assert.equal(asked("PATCH"), "options");
  assert.equal(asked(""), "options");
  assert.equal(found(matcherOf(routes), "/", "a", "OPTIONS"), "options");
});

/** What a lenient backend makes of a path: everything decoded, parameters dropped, then dots and slashes. */
function servedBy(target: string): string {
  const decoded = target.split("?")[0]!.split("/").map((part) => part.split(";")[0]!).join("/")
    .replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  const stack: string[] = [];
  for (const part of decoded.split(/[/\\]+/)) {
    if (part === "..") stack.pop();
    else if (part !== "." && part !== "") stack.push(part);
  }
  return `/${stack.join("/")}`;
}

Deno.test("no spelling of a path comes to a less specific route than the path that a lenient backend serves for it", () => {
  const paths = ["/", "/a", "/a/b", "/a/b/c", "/b", "/b/a"];
  const matcher = matcherOf(
    paths.toReversed().sort((a, b) => b.length - a.length)
      .map((value) => route(value, { path: { type: "PathPrefix", value } })),
  );
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("/a", "/b", "/c", "/%61", "/%62", "/", "/.", "/..") },
    fc.constantFrom(
      ";x",
      ";",
      "%2e",
      "%2E%2e",
      ".",
      "/%2e.",
      "/..;y",
      "/.;",
      "//",
      "?",
      "%25",
      "a",
    ),
    fc.constantFrom("%2f", "%5c", "\\", "%00", "%c0%af", "%", "%2561", "%3b", "%3f", "/a;/..;"),
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
      const target = `/${pieces.join("").replace(/^\//, "")}`;
      const route = found(matcher, target)!;
      if (route.startsWith("refused")) return;
      assert.equal(route, found(matcher, servedBy(target).replace(/[%;?]/g, "_")), target);
    }),
    { numRuns: 20_000, seed: 13 },
  );
});

function route(name: string, match: Partial<RouteMatch>, hostname = ""): Route {
  const path = { type: "PathPrefix", value: "/" } as const;
  return {
    hostname,
    match: { path, headers: [], queryParams: [], ...match },
    rule: { key: name, shares: [] },
  };
}

function matcherOf(routes: Route[]): RouteMatcher {
  const hosts: ListenerHost[] = [{ hostname: "", routes }];
  return new RouteMatcher(hosts, (rule) => ({ rule, split: SPLIT, mirrors: [] }));
}

function found(
  matcher: RouteMatcher,
  target: string,
  host = "a",
  method = "GET",
  fields = "",
): string | undefined {
  const head = new Head();
  const bytes = ascii(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`);
  assert.equal(parseRequest(bytes, 0, bytes.length, head), bytes.length);
  const path = new NormalPath(), own = matcher.hostOf(bytes, head);
  if (own === undefined) return undefined;
  if (!path.read(bytes, head.pathStart, head.targetEnd, own.settings)) {
    return `refused: ${path.problem}`;
  }
  return own.routeOf(path, bytes, bytes.length, head)?.rule.rule.key;
}
