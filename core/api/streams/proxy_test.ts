import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ApiError } from "../../client/api_error.ts";
import { endpointSlices } from "../../resources/discovery/endpoint_slices.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { type ApiFixture, echoingNode, freshApi } from "../api_fixture.ts";
import { addRunningPod, upgradeAt } from "./upgrade_fixture.ts";

const NS = "/api/v1/namespaces/default";

/** An API with one pod that runs, whose every port is answered by `handle`; and the ports that were asked for. */
async function withBackend(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  run: (fixture: ApiFixture, asked: unknown[]) => Promise<void>,
  onUpgrade?: (request: IncomingMessage, socket: Duplex) => void,
): Promise<void> {
  const server = createServer(handle);
  if (onUpgrade) server.on("upgrade", onUpgrade);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  const asked: unknown[] = [];
  const fixture = await freshApi({
    nodeStreams: {
      ...echoingNode,
      connect: async (pod, target) => {
        asked.push([pod.name, target.port, target.at]);
        const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
        sockets.push(socket);
        await new Promise((resolve) => socket.once("connect", resolve));
        return socket;
      },
    },
  });
  await addRunningPod(fixture, "web");
  await withAddress(fixture, "web");
  try {
    await run(fixture, asked);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function withAddress({ objects }: ApiFixture, name: string): Promise<void> {
  await objects.amend(pods, { namespace: "default", name }, (pod) => ({
    ...pod,
    status: { ...(pod as unknown as { status: object }).status, podIP: "10.1.2.3" },
  } as typeof pod));
}

Deno.test("a request reaches the pod with its method, path, query, headers and body", async () => {
  const seen: unknown[] = [];
  await withBackend((request, response) => {
    let body = "";
    request.on("data", (part) => body += part);
    request.on("end", () => {
      const { authorization, cookie } = request.headers;
      seen.push([request.method, request.url, authorization, cookie, body]);
      response.writeHead(201, { "x-mine": "1", "access-control-allow-origin": "*" }).end("made");
    });
  }, async ({ ask }, asked) => {
    const answer = await ask("POST", `${NS}/pods/web:81/proxy/a%2Fb//c/?x=1&y`, "body", {
      cookie: "c=d",
    });
    assert.deepEqual([answer.status, await answer.text()], [201, "made"]);
    assert.equal(answer.headers.get("x-mine"), "1");
    assert.equal(answer.headers.get("access-control-allow-origin"), null);
    assert.deepEqual(seen, [["POST", "/a%2Fb//c/?x=1&y", undefined, "c=d", "body"]]);
    assert.deepEqual(asked, [["web", 81, "address"]]);
  });
});

Deno.test("a path without its slash is sent there; redirects and links lead through the proxy", async () => {
  await withBackend((request, response) => {
    if (request.url === "/r") response.writeHead(302, { location: "/to?x" }).end();
    else response.writeHead(200, { "content-type": "text/html" }).end('<a href="/l">');
  }, async ({ ask }) => {
    const prefix = `${NS}/pods/web/proxy`;
    const slash = await ask("GET", `${prefix}?q=1`);
    assert.deepEqual([slash.status, slash.headers.get("location")], [301, `${prefix}/?q=1`]);
    const redirect = await ask("GET", `${prefix}/r`);
    assert.deepEqual([redirect.status, redirect.headers.get("location")], [302, `${prefix}/to?x`]);
    assert.equal(await (await ask("GET", `${prefix}/p`)).text(), `<a href="${prefix}/l">`);
  });
});

Deno.test("a Service is answered by a pod of its own, whatever addresses are written down", async () => {
  await withBackend((_request, response) => void response.end("hi"), async (fixture, asked) => {
    const { ask, objects } = fixture;
    const spec = { selector: { a: "b" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] };
    await ask("POST", `${NS}/services`, { metadata: { name: "web" }, spec });
    const path = `${NS}/services/web:http/proxy/`;
    const none = await ask("GET", path);
    assert.equal((await none.json()).message, 'no endpoints available for service "web"');
    const slice = (name: string, endpoints: object[]) =>
      objects.create(endpointSlices, {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name, namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
        addressType: "IPv4",
        ports: [{ name: "http", port: 8080, protocol: "TCP" }],
        endpoints,
      } as never, {} as never);
    await slice("foreign", [
      { addresses: ["203.0.113.9"], conditions: {} },
      {
        addresses: ["203.0.113.10"],
        conditions: {},
        targetRef: { kind: "Pod", name: "other", namespace: "kube-system" },
      },
    ]);
    const foreign = await ask("GET", path);
    assert.equal(
      (await foreign.json()).message,
      'no endpoints available for service "web:http"',
    );
    await slice("own", [
      { addresses: ["203.0.113.11"], conditions: {}, targetRef: { kind: "Pod", name: "web" } },
    ]);
    assert.equal(await (await ask("GET", path)).text(), "hi");
    assert.equal(await (await ask("GET", path.replace("http", "80"))).text(), "hi");
    assert.deepEqual(asked, [["web", 8080, "address"], ["web", 8080, "address"]]);
  });
});

Deno.test("an upgrade is passed on after authorization; a redirect in its answer is not", async () => {
  const heads: (string | undefined)[] = [];
  await withBackend(
    (_request, response) =>
      void response.writeHead(302, { location: "http://169.254.169.254/" }).end(),
    async (fixture, asked) => {
      const path = `${NS}/pods/web/proxy/ws`;
      const headers = { connection: "Upgrade", upgrade: "echo" };
      const refused = upgradeAt(fixture, path, { ...headers, authorization: "Bearer wrong" });
      assert.equal((await refused.done)?.code, 401);
      assert.deepEqual(asked, [], "the pod was reached before authorization");

      const { client, until } = upgradeAt(fixture, path, headers);
      client.write("ping");
      const text = await until("ping");
      assert.match(text, /^HTTP\/1\.1 101 .*upgrade: echo/is);
      assert.deepEqual(heads, [undefined]);
      client.end();

      const redirected = await upgradeAt(fixture, path, { ...headers, upgrade: "redirect" }).done;
      assert.deepEqual(
        [redirected?.code, redirected?.message],
        [500, "invalid upgrade response: status code 302"],
      );
    },
    (request, socket) => {
      if (request.headers.upgrade === "redirect") {
        return void socket.end(
          "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
        );
      }
      heads.push(request.headers.authorization);
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: Upgrade\r\n\r\n",
      );
      socket.pipe(socket);
    },
  );
});

Deno.test("what cannot be proxied says why, and nothing but pods is reached", async () => {
  await withBackend((_request, response) => void response.end(), async ({ ask }, asked) => {
    const table: [string, number, string][] = [
      ["pods/none/proxy/", 404, 'pods "none" not found'],
      ["pods/ftp:web:1/proxy/", 400, 'invalid pod request "ftp:web:1"'],
      ["pods/127.0.0.1/proxy/", 404, 'pods "127.0.0.1" not found'],
      ["pods/169.254.169.254:80/proxy/", 404, 'pods "169.254.169.254" not found'],
      ["pods/localhost:6443/proxy/", 404, 'pods "localhost" not found'],
      ["services/none/proxy/", 404, 'endpoints "none" not found'],
      ["services/none:80/proxy/", 404, 'services "none" not found'],
      ["services/kubernetes:1/proxy/", 503, 'no service port 1 found for service "kubernetes"'],
      [
        "services/https:kubernetes:443/proxy/version",
        503,
        'no endpoints available for service "https:kubernetes:443"',
      ],
    ];
    for (const [path, code, message] of table) {
      const answer = await ask("GET", `${NS}/${path}`);
      assert.deepEqual([answer.status, (await answer.json()).message], [code, message]);
    }
    const node = await ask("GET", "/api/v1/nodes/127.0.0.1:6443/proxy/");
    assert.equal(node.status, 404);
    assert.deepEqual(asked, []);
  });
});

Deno.test("a pod that cannot be reached is a 503 in Kubernetes' words, a refusal is passed on", async () => {
  for (
    const [error, code, message] of [
      [
        new Error("dial tcp4 10.1.2.3:80: connect: connection refused"),
        503,
        "error trying to reach service: dial tcp 10.1.2.3:80: connect: connection refused",
      ],
      [new ApiError("Forbidden", "not declared"), 403, "not declared"],
    ] as const
  ) {
    const fixture = await freshApi({
      nodeStreams: { ...echoingNode, connect: () => Promise.reject(error) },
    });
    await addRunningPod(fixture, "web");
    await withAddress(fixture, "web");
    const answer = await fixture.ask("GET", `${NS}/pods/web/proxy/`);
    assert.deepEqual([answer.status, (await answer.json()).message], [code, message]);
  }
});
