import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createAuthority, issueServer } from "../../core/api/access/pki_certificates.ts";
import { type ServerProcess, withServer } from "../server_process.ts";

const SERVICE = { namespace: "default", name: "hooks" };
const HOST = `${SERVICE.name}.${SERVICE.namespace}.svc`;

/** A webhook over HTTPS: it labels what has no label, and refuses what is named `bad`. */
async function openWebhook() {
  const authority = await createAuthority("hooks");
  const names = [HOST, "127.0.0.1"];
  const { certificate: cert, key } = await issueServer(authority, { commonName: HOST }, names);
  const asked: string[] = [];
  const server = createServer({ cert, key }, (request, response) => void reply(request, response));
  const reply = async (request: IncomingMessage, response: ServerResponse) => {
    let text = "";
    for await (const piece of request) text += piece;
    const review = JSON.parse(text);
    const { namespace, operation } = review.request;
    // The server keeps ConfigMaps of its own in kube-system.
    if (namespace === "default") asked.push(`${request.url!.split("?")[0]} ${operation}`);
    response.end(JSON.stringify({ ...review, response: answerTo(request.url!, review.request) }));
  };
  await new Promise<void>((done) => server.listen(0, "0.0.0.0", done));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((done) => server.close(() => done()));
  };
  return { asked, port, caBundle: btoa(authority.certificate), close };
}

function answerTo(url: string, { uid, object }: Review): object {
  if (url.startsWith("/label") && object) {
    const value = { ...object.metadata.labels, seen: "yes" };
    const patch = btoa(JSON.stringify([{ op: "add", path: "/metadata/labels", value }]));
    return { uid, allowed: true, patchType: "JSONPatch", patch };
  }
  const isBad = object?.metadata.name === "bad";
  return { uid, allowed: !isBad, status: { message: "it is bad", code: 403, reason: "Forbidden" } };
}

interface Review {
  uid: string;
  object: { metadata: { name: string; labels?: Record<string, string> } } | null;
}

/** Endpoints of a Service whose pods are this very process. */
async function createService(server: ServerProcess, port: number): Promise<void> {
  const ports = [{ port: 443, protocol: "TCP" }];
  const metadata = { name: SERVICE.name };
  await server.create("/api/v1/namespaces/default/services", { metadata, spec: { ports } });
  const labels = { "kubernetes.io/service-name": SERVICE.name };
  await server.create("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    metadata: { ...metadata, labels },
    addressType: "IPv4",
    endpoints: [{ addresses: [ownAddress()] }],
    ports: [{ port, protocol: "TCP" }],
  });
}

/** Of this machine: endpoints may not lie on loopback. */
function ownAddress(): string {
  const isOwn = ({ family, address }: Deno.NetworkInterfaceInfo) =>
    family === "IPv4" && !address.startsWith("127.");
  const own = Deno.networkInterfaces().find(isOwn);
  assert.ok(own, "this machine has no address besides loopback");
  return own.address;
}

function configuration(kind: string, name: string, clientConfig: object): object {
  const rules = [{
    operations: ["*"],
    apiGroups: [""],
    apiVersions: ["v1"],
    resources: ["configmaps"],
  }];
  const common = { rules, clientConfig, sideEffects: "None", admissionReviewVersions: ["v1"] };
  return { kind, metadata: { name }, webhooks: [{ name: `${name}.hooks.example`, ...common }] };
}

Deno.test({
  name: "webhooks change and refuse what is written, at a URL and at a Service",
  sanitizeOps: false, // the server's own pipes stay open as long as it runs
  sanitizeResources: false,
  fn: () =>
    withServer({ runtime: "process" }, async (server) => {
      const { asked, port, caBundle, close } = await openWebhook();
      try {
        const group = "/apis/admissionregistration.k8s.io/v1";
        const url = `https://127.0.0.1:${port}/label`;
        const mutating = configuration("MutatingWebhookConfiguration", "label", { url, caBundle });
        const made = await server.create(`${group}/mutatingwebhookconfigurations`, mutating);
        assert.equal(made.status, 201, await made.text());
        const maps = "/api/v1/namespaces/default/configmaps";
        const labelled = await server.create(maps, { metadata: { name: "good" } });
        assert.equal((await labelled.json()).metadata.labels.seen, "yes");
        const service = { ...SERVICE, path: "/check" };
        const kind = "ValidatingWebhookConfiguration";
        const validating = configuration(kind, "check", { service, caBundle });
        await server.create(`${group}/validatingwebhookconfigurations`, validating);
        const unserved = await server.create(maps, { metadata: { name: "early" } });
        assert.match(
          (await unserved.json()).message,
          /failed to call webhook: service "hooks" not found/,
        );
        await createService(server, port);
        const refused = await server.create(maps, { metadata: { name: "bad" } });
        const words = 'admission webhook "check.hooks.example" denied the request: it is bad';
        const { message, reason } = await refused.json();
        assert.deepEqual([refused.status, reason, message], [403, "Forbidden", words]);
        const deleted = await server.fetch(`${maps}/good`, { method: "DELETE" });
        assert.equal(deleted.status, 200);
        assert.deepEqual(asked, [
          "/label CREATE",
          "/label CREATE",
          "/label CREATE",
          "/check CREATE",
          "/label DELETE",
          "/check DELETE",
        ]);
      } finally {
        await close();
      }
    }),
});
