import assert from "node:assert/strict";
import type { View } from "../../client/client.ts";
import type { CertificateSigningRequest } from "../../resources/certificates/certificate_signing_requests.ts";
import { signerFault } from "./certificate_rules.ts";
import { certificateSigningController } from "./certificate_signing.ts";
import type { CertificateRequest } from "../../lib/der/certificate_request.ts";

const NODE: CertificateRequest = {
  subject: new Uint8Array(),
  publicKey: new Uint8Array(),
  alternativeNames: undefined,
  organizations: ["system:nodes"],
  commonNames: ["system:node:edge"],
  uids: [],
  names: { dns: 0, email: 0, ip: 0, uri: 0 },
};

Deno.test("Kubernetes' signers sign what they are for", () => {
  const client = "kubernetes.io/kube-apiserver-client";
  const nodeClient = `${client}-kubelet`;
  const serving = "kubernetes.io/kubelet-serving";
  const usages = ["digital signature", "client auth"];
  const served = { ...NODE, names: { ...NODE.names, dns: 1 } };
  const table: [string, string[], CertificateRequest, string | undefined][] = [
    [client, ["client auth"], NODE, undefined],
    [
      client,
      ["digital signature"],
      NODE,
      "missing required usage for client certificate: client auth",
    ],
    [client, ["client auth", "any"], NODE, "invalid usage for client certificate: any"],
    [nodeClient, usages, NODE, undefined],
    [nodeClient, [...usages, "key encipherment"], NODE, undefined],
    [nodeClient, usages, served, "DNS subjectAltNames are not allowed"],
    [
      nodeClient,
      usages,
      { ...NODE, commonNames: ["edge"] },
      "subject common name does not begin with system:node:",
    ],
    [
      nodeClient,
      usages,
      { ...NODE, organizations: ["system:nodes", "system:masters"] },
      "subject organization is not system:nodes",
    ],
    [
      nodeClient,
      ["client auth"],
      NODE,
      "usages did not match [client auth digital signature key encipherment]",
    ],
    [serving, ["digital signature", "server auth"], served, undefined],
    [serving, ["digital signature", "server auth"], NODE, "DNS or IP subjectAltName is required"],
    ["example.com/x", usages, NODE, "not ours"],
  ];
  for (const [signerName, usages, request, expected] of table) {
    assert.equal(signerFault({ signerName, usages }, request), expected, signerName);
  }
});

Deno.test("a request is removed an hour after it was decided, or a day after it came", () => {
  const { reconcile } = certificateSigningController(undefined);
  const asked = (conditions: object[]) =>
    ({
      metadata: { name: "x", uid: "u", creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: { request: "", signerName: "a.b/c" },
      status: { conditions },
    }) as unknown as CertificateSigningRequest;
  const denied = [{ type: "Denied", status: "True", lastUpdateTime: "2026-01-01T02:00:00Z" }];
  const table: [object[], string, number | "removed"][] = [
    [[], "2026-01-01T23:00:00Z", 3_600_000],
    [[], "2026-01-02T00:00:00Z", "removed"],
    [denied, "2026-01-01T02:59:00Z", 60_000],
    [denied, "2026-01-01T03:00:00Z", "removed"],
  ];
  for (const [conditions, now, expected] of table) {
    const plan = reconcile(asked(conditions), {} as View, Date.parse(now));
    const found = plan.writes[0]?.verb === "delete" ? "removed" : plan.againAfterMs;
    assert.equal(found, expected, now);
  }
});
