import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import type { TLSSocket } from "node:tls";
import type { NodeStreams } from "../../client/node_streams.ts";
import { type ApiFixture, echoingNode, freshApi } from "../api_fixture.ts";
import { loadFrontProxy } from "../access/pki.ts";
import { createAuthority, issueServer } from "../access/pki_certificates.ts";

const HOST = "toys.default.svc";
const LIST = {
  kind: "APIResourceList",
  groupVersion: "toys.example/v1",
  resources: [
    { name: "toys", singularName: "toy", namespaced: true, kind: "Toy", verbs: ["get", "list"] },
    { name: "toys/status", singularName: "", namespaced: true, kind: "Toy", verbs: ["get"] },
  ],
};

interface Asked {
  line: string;
  user: unknown;
  groups: unknown;
  authorization: unknown;
  clientName: string | undefined;
  body: string;
}

/** The API of somebody else, in the pod `toys-1` of the Service `toys`, and a cluster that knows its certificate. */
async function openSite() {
  const [authority, frontProxy] = await Promise.all([
    createAuthority("toys"),
    loadFrontProxy({ read: () => Promise.resolve(undefined), write: () => Promise.resolve() }),
  ]);
  const { certificate: cert, key } = await issueServer(authority, { commonName: HOST }, [HOST]);
  const asked: Asked[] = [];
  const options = { cert, key, ca: frontProxy.authority, requestCert: true };
  const server = createServer(options, (request, response) => {
    void seen(request).then((one) => {
      asked.push(one);
      response.setHeader("content-type", "application/json");
      response.statusCode = request.method === "POST" ? 201 : 200;
      response.end(JSON.stringify(request.url === "/apis/toys.example/v1" ? LIST : { is: "toy" }));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const dialled: unknown[] = [];
  const nodeStreams: NodeStreams = {
    ...echoingNode,
    connect: (pod, target) => {
      dialled.push([pod.name, target]);
      return Promise.resolve(connect(port, "127.0.0.1"));
    },
  };
  const api = await freshApi({ nodeStreams, frontProxy: () => Promise.resolve(frontProxy) });
  await createService(api);
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((done) => server.close(() => done()));
  };
  return { api, asked, dialled, caBundle: btoa(authority.certificate), close };
}

async function seen(request: IncomingMessage): Promise<Asked> {
  let body = "";
  for await (const piece of request) body += piece;
  const { "x-remote-user": user, "x-remote-group": groups, authorization } = request.headers;
  const subject = (request.socket as TLSSocket).getPeerCertificate().subject;
  const line = `${request.method} ${request.url}`;
  return { line, user, groups, authorization, clientName: subject?.CN as string, body };
}

async function createService({ objects, ask }: ApiFixture): Promise<void> {
  const ports = [{ port: 443, protocol: "TCP" }];
  await ask("POST", "/api/v1/namespaces/default/services", {
    metadata: { name: "toys" },
    spec: { ports },
  });
  const pod = await ask("POST", "/api/v1/namespaces/default/pods", {
    metadata: { name: "toys-1" },
    spec: { containers: [{ name: "main", image: "toys:1" }], automountServiceAccountToken: false },
  });
  const { metadata: { name, uid } } = await pod.json();
  const status = { phase: "Running", podIP: "10.1.0.9", podIPs: [{ ip: "10.1.0.9" }] };
  await ask("PATCH", "/api/v1/namespaces/default/pods/toys-1/status", { status }, {
    "content-type": "application/merge-patch+json",
  });
  await ask("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    metadata: { name: "toys-1", labels: { "kubernetes.io/service-name": "toys" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.1.0.9"], targetRef: { kind: "Pod", name, uid } }],
    ports,
  });
  await objects.store.settled();
}

function apiService(caBundle: string, more: object = {}): object {
  const spec = {
    group: "toys.example",
    version: "v1",
    groupPriorityMinimum: 100,
    versionPriority: 100,
    service: { namespace: "default", name: "toys" },
    caBundle,
    ...more,
  };
  return { metadata: { name: "v1.toys.example" }, spec };
}

const SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices";
const TOYS = "/apis/toys.example/v1/namespaces/default/toys";
const sanitizers = { sanitizeOps: false, sanitizeResources: false }; // connections end a little later

Deno.test({
  name: "requests for a group of a Service are passed on in the name of who asks",
  ...sanitizers,
  fn: async () => {
    const { api, asked, dialled, caBundle, close } = await openSite();
    try {
      assert.equal((await api.ask("GET", TOYS)).status, 404);
      const made = await api.ask("POST", SERVICES, apiService(caBundle));
      assert.equal(made.status, 201, await made.text());
      const forged = { "x-remote-user": "eve", "x-remote-group": "system:masters" };
      const answer = await api.ask("POST", `${TOYS}?a=b`, { hello: 1 }, forged);
      assert.deepEqual([answer.status, await answer.json()], [201, { is: "toy" }]);
      assert.deepEqual(asked, [{
        line: `POST ${TOYS}?a=b`,
        user: "admin",
        groups: "system:masters, system:authenticated",
        authorization: undefined,
        clientName: "front-proxy-client",
        body: '{"hello":1}',
      }]);
      assert.deepEqual(dialled, [["toys-1", { port: 443, at: "address" }]]);
      const gone = await api.ask("DELETE", `${SERVICES}/v1.toys.example`);
      assert.equal(gone.status, 200);
      assert.equal((await api.ask("GET", TOYS)).status, 404);
    } finally {
      await close();
    }
  },
});

Deno.test({
  name: "discovery shows the group of a Service with what the Service says it serves",
  ...sanitizers,
  fn: async () => {
    const { api, caBundle, close } = await openSite();
    try {
      await api.ask("POST", SERVICES, apiService(caBundle));
      const group = await (await api.ask("GET", "/apis/toys.example")).json();
      assert.equal(group.preferredVersion.groupVersion, "toys.example/v1");
      assert.deepEqual(await (await api.ask("GET", "/apis/toys.example/v1")).json(), LIST);
      const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
      const all = await (await api.ask("GET", "/apis", undefined, { accept })).json();
      const isToys = ({ metadata }: { metadata: { name: string } }) =>
        metadata.name === "toys.example";
      const responseKind = { group: "toys.example", version: "v1", kind: "Toy" };
      assert.deepEqual(all.items.find(isToys).versions, [{
        version: "v1",
        resources: [{
          resource: "toys",
          responseKind,
          scope: "Namespaced",
          singularResource: "toy",
          verbs: ["get", "list"],
          subresources: [{ subresource: "status", responseKind, verbs: ["get"] }],
        }],
        freshness: "Current",
      }]);
    } finally {
      await close();
    }
  },
});

Deno.test({
  name: "a Service that is not there, or shows another certificate, is unavailable and stale",
  ...sanitizers,
  fn: async () => {
    const { api, asked, caBundle, close } = await openSite();
    const other = btoa((await createAuthority("toys")).certificate);
    try {
      for (
        const spec of [
          apiService(caBundle, { service: { namespace: "default", name: "nobody" } }),
          apiService(other),
          apiService(""),
        ]
      ) {
        const made = await api.ask("POST", SERVICES, spec);
        assert.equal(made.status, 201, await made.text());
        const answer = await api.ask("GET", TOYS);
        assert.deepEqual([answer.status, await answer.text()], [503, "service unavailable\n"]);
        const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        const all = await (await api.ask("GET", "/apis", undefined, { accept })).json();
        assert.deepEqual(all.items.at(-1).versions, [{ version: "v1", freshness: "Stale" }]);
        await api.ask("DELETE", `${SERVICES}/v1.toys.example`);
      }
      assert.deepEqual(asked, []);
      await api.ask("POST", SERVICES, apiService("", { insecureSkipTLSVerify: true }));
      assert.equal((await api.ask("GET", TOYS)).status, 200);
    } finally {
      await close();
    }
  },
});
