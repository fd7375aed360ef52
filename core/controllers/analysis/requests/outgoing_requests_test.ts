import assert from "node:assert/strict";
import { MetricServer, type Reply } from "../providers/metric_server_fixture.ts";
import { services } from "../../../resources/core/services/services.ts";
import { endpointSlices } from "../../../resources/discovery/endpoint_slices.ts";
import type { OutgoingRequest } from "./outgoing_requests.ts";
import { TargetPolicy } from "./target_policy.ts";

const signal = new AbortController().signal;

interface AskOptions extends Partial<Omit<OutgoingRequest, "url">> {
  allowed?: readonly string[];
}

/** The answer as text, or why there is none. */
async function asked(server: MetricServer, url: string, options: AskOptions = {}): Promise<string> {
  const { allowed = [], ...request } = options;
  const sent = { method: "GET", url: new URL(url), timeoutMs: 5_000, ...request };
  try {
    const { status, body } = await server.requests(allowed).send(sent, signal);
    return `${status} ${new TextDecoder().decode(body)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

Deno.test("a Service is asked by its name in all its spellings, with the name as host", async () => {
  await using server = await MetricServer.open(({ headers }) => ({ text: headers.host! }));
  for (const name of ["api.default", "api.default.svc", "API.default.svc.cluster.local."]) {
    const { hostname } = new URL(`http://${name}/`);
    assert.equal(await asked(server, `http://${name}/x`), `200 ${hostname}`);
  }
  assert.equal(
    await asked(server, "http://none.default.svc/x"),
    'Get "http://none.default.svc/x": dial tcp: lookup none.default.svc: no such host',
  );
  assert.equal(
    await asked(server, "http://api.default.svc:81/"),
    'Get "http://api.default.svc:81/": dial tcp api.default.svc:81: no endpoint is ready',
  );
});

Deno.test("nobody is reached on loopback, on a link, or where a cloud keeps secrets, however it is written", async () => {
  await using server = await MetricServer.open(() => ({ text: "secret" }));
  const { port } = server;
  const hosts: [string, RegExp][] = [
    ["127.0.0.1", /loopback addresses are not asked/],
    ["127.1", /loopback/],
    ["2130706433", /loopback/],
    ["0x7f000001", /loopback/],
    ["0177.0.0.1", /loopback/],
    ["localhost", /loopback/],
    ["LOCALHOST.", /loopback|no such host/],
    ["[::1]", /loopback/],
    ["[::ffff:127.0.0.1]", /loopback/],
    ["[::ffff:7f00:1]", /loopback/],
    ["0.0.0.0", /unspecified/],
    ["[::]", /unspecified/],
    ["169.254.169.254", /link-local/],
    ["[::ffff:169.254.169.254]", /link-local/],
    ["2852039166", /link-local/],
    ["[fe80::1]", /link-local/],
    ["224.0.0.1", /multicast/],
    ["[fd00:ec2::254]", /metadata/],
    ["168.63.129.16", /metadata/],
    ["100.100.100.200", /metadata/],
  ];
  for (const [host, message] of hosts) {
    assert.match(await asked(server, `http://${host}:${port}/`), message, host);
  }
  for (const scheme of ["file:///etc/passwd", "ftp://x/", "data:text/plain,x", "unix:///x"]) {
    assert.match(await asked(server, scheme), /unsupported protocol scheme/, scheme);
  }
  assert.deepEqual(server.seen, []);
});

Deno.test("an endpoint of a Service may be on loopback, but on no link", async () => {
  await using server = await MetricServer.open(() => ({ text: "fine" }));
  const { cluster } = server;
  const point = (name: string, address: string) => {
    cluster.put(services, { metadata: { name }, spec: { ports: [{ port: 80 }] } });
    cluster.put(endpointSlices, {
      metadata: { name, labels: { "kubernetes.io/service-name": name } },
      ...{ addressType: "IPv4", ports: [{ name: "", port: server.port }] },
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    });
  };
  point("own", "127.0.0.1");
  point("cloud", "169.254.169.254");
  point("azure", "168.63.129.16");
  assert.equal(await asked(server, "http://own.default/"), "200 fine");
  assert.match(await asked(server, "http://cloud.default/"), /no endpoint is ready/);
  assert.match(await asked(server, "http://azure.default/"), /metadata addresses are not asked/);
  const names = { type: "ExternalName", externalName: "localhost", ports: [{ port: server.port }] };
  cluster.put(services, { metadata: { name: "alias" }, spec: names });
  assert.match(await asked(server, `http://alias.default:${server.port}/`), /loopback/);
});

Deno.test("what is named is asked all the same: a name, its domain, a range of addresses", async () => {
  await using server = await MetricServer.open(() => ({ text: "fine" }));
  const { port } = server;
  const url = (host: string) => `http://${host}:${port}/`;
  assert.equal(await asked(server, url("localhost"), { allowed: ["localhost"] }), "200 fine");
  assert.equal(await asked(server, url("127.0.0.1"), { allowed: ["127.0.0.0/8"] }), "200 fine");
  assert.equal(await asked(server, url("2130706433"), { allowed: ["127.0.0.1"] }), "200 fine");
  assert.match(await asked(server, url("127.0.0.1"), { allowed: ["localhost"] }), /loopback/);
  assert.match(await asked(server, url("127.0.0.1"), { allowed: ["10.0.0.0/8"] }), /loopback/);
  assert.equal(new TargetPolicy(["*.a.example"]).allowsName("x.A.example."), true);
  for (const name of ["a.example", "xa.example", "a.example.evil"]) {
    assert.equal(new TargetPolicy(["*.a.example"]).allowsName(name), false);
  }
  for (const wrong of ["", "http://x", "a b", "10.0.0.0/33", "*"]) {
    assert.throws(() => new TargetPolicy([wrong]), RangeError, wrong);
  }
});

Deno.test("a redirect leads only where a request may go, ten times at most", async () => {
  await using server = await MetricServer.open(({ path, headers }): Reply => {
    const to = decodeURIComponent(path.slice("/to/".length));
    if (path.startsWith("/to/")) return { status: 302, headers: { location: to }, text: "" };
    return { text: `${path} ${headers.authorization ?? "-"}` };
  });
  const via = (to: string) => `http://api.default/to/${encodeURIComponent(to)}`;
  assert.equal(await asked(server, via("/end")), "200 /end -");
  assert.equal(await asked(server, via("http://kubernetes.default.svc/end")), "200 /end -");
  const attacks: [string, RegExp][] = [
    [`http://127.0.0.1:${server.port}/end`, /loopback/],
    ["http://169.254.169.254/latest/meta-data", /link-local/],
    [`http://[::ffff:127.0.0.1]:${server.port}/`, /loopback/],
    [`http://2130706433:${server.port}/`, /loopback/],
    ["file:///etc/passwd", /unsupported protocol scheme "file"/],
    ["http://", /Location/],
    [via("http://169.254.169.254/"), /link-local/],
  ];
  for (const [to, message] of attacks) assert.match(await asked(server, via(to)), message, to);
  let loop = "/end";
  for (let i = 0; i < 10; i++) loop = `/to/${encodeURIComponent(loop)}`;
  assert.equal(await asked(server, `http://api.default${loop}`), "200 /end -");
  assert.match(
    await asked(server, via(loop)),
    /^Get "http:\/\/api.default\/to\/.*": stopped after 10 redirects$/,
  );
  const headers = [["Authorization", "Bearer x"]] as const;
  assert.equal(await asked(server, via("/end"), { headers }), "200 /end Bearer x");
  assert.equal(
    await asked(server, via("http://kubernetes.default.svc/end"), { headers }),
    "200 /end -",
  );
});

Deno.test("after 307 a body is sent again, after 302 a GET without it", async () => {
  await using server = await MetricServer.open(({ method, path, body, headers }): Reply => {
    const status = Number(path.slice(1));
    if (status > 0) return { status, headers: { location: "/end" }, text: "" };
    return { text: `${method} ${body || "-"} ${headers["content-type"] ?? "-"}` };
  });
  const post = (status: number) =>
    asked(server, `http://api.default/${status}`, {
      method: "POST",
      body: "{}",
      headers: [["Content-Type", "application/json"]],
    });
  for (const status of [307, 308]) {
    assert.equal(await post(status), "200 POST {} application/json");
  }
  for (const status of [301, 302, 303]) assert.equal(await post(status), "200 GET - -");
  assert.match(await post(304), /^304/);
});

Deno.test("an answer is bounded in size and in time, and ends with its signal", async () => {
  let reached = Promise.withResolvers<void>();
  await using server = await MetricServer.open(({ path }): Reply => {
    if (path.startsWith("/bytes/")) return { text: "a".repeat(Number(path.slice(7))) };
    if (path === "/huge") {
      return (_, response) => {
        const chunk = new Uint8Array(1024 * 1024);
        const more = () => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on("drain", more);
        more();
      };
    }
    return (_, response) => {
      if (path === "/slow-body") response.write("a");
      reached.resolve();
    };
  });
  const most = 4 * 1024 * 1024;
  assert.equal((await asked(server, `http://api.default/bytes/${most}`)).length, most + 4);
  assert.match(await asked(server, `http://api.default/bytes/${most + 1}`), /is longer than/);
  assert.equal(
    await asked(server, "http://api.default/huge"),
    'Get "http://api.default/huge": the answer is longer than 4194304 bytes',
  );
  for (const path of ["slow", "slow-body"]) {
    reached = Promise.withResolvers();
    const answer = asked(server, `http://api.default/${path}`);
    await reached.promise;
    await server.clock.advance(5_000);
    assert.equal(await answer, `Get "http://api.default/${path}": context deadline exceeded`);
    assert.equal(server.clock.pending, 0);
  }
  reached = Promise.withResolvers();
  const stop = new AbortController();
  const url = new URL("http://api.default/slow");
  const sent = server.requests().send({ method: "GET", url, timeoutMs: 5_000 }, stop.signal);
  await reached.promise;
  stop.abort(new Error("It is over"));
  await assert.rejects(sent, /It is over/);
});

Deno.test("headers cannot break the request, and what follows from the URL is not theirs to say", async () => {
  await using server = await MetricServer.open(({ headers }) => ({ json: headers }));
  const ask = (headers: [string, string][], url = "http://api.default/") =>
    asked(server, url, { headers });
  assert.match(await ask([["X", "a\r\nY: b"]]), /invalid header field value for "X"/);
  assert.match(await ask([["X: a\r\nY", "b"]]), /invalid header field name/);
  const said = JSON.parse((await ask([["Host", "evil"], ["X", "1"], ["x", "2"]])).slice(4));
  assert.equal(said.host, "api.default");
  assert.equal(said.x, "2");
  const basic = JSON.parse((await ask([], "http://me:p%40ss@api.default/")).slice(4));
  assert.equal(basic.authorization, `Basic ${btoa("me:p@ss")}`);
  assert.equal(
    await asked(server, "http://me:secret@none.default.svc/"),
    'Get "http://me:***@none.default.svc/": dial tcp: lookup none.default.svc: no such host',
  );
});

Deno.test("over TLS the certificate counts for the name, unless any will do; the API server is known by its authority", async () => {
  await using server = await MetricServer.open(() => ({ text: "fine" }), { isTls: true });
  assert.equal(await asked(server, "https://kubernetes.default.svc/version"), "200 fine");
  assert.match(
    await asked(server, "https://api.default.svc/"),
    /^Get "https:\/\/api.default.svc\/": tls: failed to verify certificate: x509/,
  );
  assert.equal(await asked(server, "https://api.default.svc/", { isInsecure: true }), "200 fine");
  assert.match(await asked(server, "https://kubernetes.default/"), /x509|certificate/);
  assert.match(await asked(server, "http://api.default.svc:443/"), /malformed HTTP response$/);
});
