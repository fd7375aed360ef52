import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { certificateOfPem, isForClients } from "../../lib/der/certificate.ts";
import { certificateRequestOf } from "../../lib/der/certificate_request.ts";
import { freshApi } from "../api_fixture.ts";
import { createAuthority, signRequest } from "./pki_certificates.ts";

const PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const CLIENT = "kubernetes.io/kube-apiserver-client";
/** Made by `openssl req`: of jane in dev with a DNS name, and of root in system:masters. */
const JANE = `
-----BEGIN CERTIFICATE REQUEST-----
MIIBAjCBqQIBADAdMQwwCgYDVQQKDANkZXYxDTALBgNVBAMMBGphbmUwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAARAGqeVLihp8aUbKoEg7FRlm5ddQupMf0PC+ErL
ZsZNc1zN5KJjElTqgsSed1TkyL0o+QQ48CK6JrRLKy5hvHCboCowKAYJKoZIhvcN
AQkOMRswGTAXBgNVHREEEDAOggxqYW5lLmV4YW1wbGUwCgYIKoZIzj0EAwIDSAAw
RQIgcINu84PCsJW9K6hRx9oQqvCpeaTvsSwVaYIlCO8nHXQCIQCnML+uFdYorecF
sTyn41RomRfmH5YIZwkpIlTVK6BKow==
-----END CERTIFICATE REQUEST-----
`;
const ROOT = `
-----BEGIN CERTIFICATE REQUEST-----
MIHjMIGKAgEAMCgxFzAVBgNVBAoMDnN5c3RlbTptYXN0ZXJzMQ0wCwYDVQQDDARy
b290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhDh2aFJ82ExoTO8EdOAyj75Z
gyg5U4+G8GG+gnZCiugOoniBJ04g6AnqH/X2EFTf+OxvEElCjYK9LKC5f+4J06AA
MAoGCCqGSM49BAMCA0gAMEUCIAQzLs0iLtZCRQXHr5sdUUxi3pulfllvZy6woytJ
BzChAiEArN0k+5Z+5eTpryZmJw3z6d0RHqZ+AoJgagkU0TYWAqE=
-----END CERTIFICATE REQUEST-----
`;
const NODE = `
-----BEGIN CERTIFICATE REQUEST-----
MIICdzCCAV8CAQAwMjEVMBMGA1UECgwMc3lzdGVtOm5vZGVzMRkwFwYDVQQDDBBz
eXN0ZW06bm9kZTplZGdlMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA
r1bfl45+R73FO1VFm2UoDtZar1A/ZNgtc4V1iQgHfpHKgesez89p+60N6ZkqrMkc
uUBB7+ZxfPdDO/unq/iz7WiyNhlum3/Qgv+K+Mgb0t86Hdd31KmqGnIANuVpbEMi
oay98+4q9LFZy1WFhuQFcGi3yqjWI+GY6GQNh4prYlNoZ7+3JpHTmfTZe3tK7fIb
JL+HsOBr3/nnPIDWOVBFSb2Nrn6Zz4pXYORTesGjqn9ZSe+8eoG3L5kbx3ihpOdd
DI7zV5rY0yiqqY7XTLzkd8YPqiafOxUUtt9MLj5X0r+kpDShr6FwOiRPQciP3ga3
qJ4KBv/f23Topp0VMRIouQIDAQABoAAwDQYJKoZIhvcNAQELBQADggEBAGGcOMUF
GL79RgVBAdAQYrb8bAw7lHemoKmc+1QWxywoRwYn/KifII+ZroF1r0tQppgB60rS
aqrsMRf3ohVvO4sYw+DZeGwWxkO/PmUxy1WVZl4hAfUlD+rl/T5/BgxDgqVrmtpa
jrdauK0OtZt0TdbcxCsydnttmOAWn70O7vm8ihL9bEMU5wtNoV9GZG+XOI7wY8kA
DoECbT7VIy8MMIGCzve8T0gfXIB4axhtiTzYdBfGXEfBLoMqJDYakj+2+qPrvPdw
twOf9JB5WswEmTlc1XBsoJA4yynXH6Bucc2JlQPU2SgquwBuIMAyjXYX4L04ZgJ0
vqExwdDdODTH/vU=
-----END CERTIFICATE REQUEST-----
`;

async function cluster() {
  const jane = { name: "jane", groups: ["dev"], uid: "7", extra: { team: ["a"] } };
  const { ask: send } = await freshApi({ users: { jane } });
  const ask = async (method: string, path: string, body?: unknown, token?: string) => {
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const answer = await send(method, path, body, headers);
    return { code: answer.status, body: await answer.json() };
  };
  const grant = (verbs: string[], resources: string[], resourceNames?: string[]) =>
    ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", {
      metadata: { name: "r" },
      rules: [
        { apiGroups: ["certificates.k8s.io"], resources, verbs },
        ...(resourceNames
          ? [{
            apiGroups: ["certificates.k8s.io"],
            resources: ["signers"],
            verbs: ["approve"],
            resourceNames,
          }]
          : []),
      ],
    }).then(() =>
      ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
        metadata: { name: "r" },
        roleRef: { kind: "ClusterRole", name: "r" },
        subjects: [{ kind: "User", name: "jane" }],
      })
    );
  return { ask, grant };
}

function wanted(pem: string, more: object = {}): object {
  const spec = { request: btoa(pem), signerName: CLIENT, usages: ["client auth"], ...more };
  return { metadata: { name: "x" }, spec };
}

/** The same of another name, which the key has not signed. */
function tampered(pem: string): string {
  const [, base64 = ""] = /REQUEST-----([^-]+)-----END/.exec(pem)!;
  const other = btoa(atob(base64).replace("jane", "root"));
  return `-----BEGIN CERTIFICATE REQUEST-----\n${other}\n-----END CERTIFICATE REQUEST-----`;
}

function approval(type: "Approved" | "Denied"): object {
  const condition = { type, status: "True", reason: "Test", message: "", lastUpdateTime: null };
  return { status: { conditions: [condition] } };
}

Deno.test("a request says who has asked, whatever it came with, and never changes", async () => {
  const { ask, grant } = await cluster();
  await grant(["create", "update", "get"], ["certificatesigningrequests"]);
  const draft = wanted(JANE, { username: "root", groups: ["system:masters"] });
  const { code, body } = await ask("POST", PATH, draft, "jane");
  assert.equal(code, 201, body.message);
  const { username, groups, uid, extra } = body.spec;
  assert.deepEqual([username, groups, uid], ["jane", ["dev", "system:authenticated"], "7"]);
  assert.deepEqual([extra, body.status], [{ team: ["a"] }, {}]);
  const spec = { ...body.spec, username: "root" };
  const changed = await ask("PUT", `${PATH}/x`, { ...body, ...approval("Approved"), spec }, "jane");
  assert.deepEqual([changed.body.spec, changed.body.status], [body.spec, {}]);
});

Deno.test("requests that nobody may make", async () => {
  const { ask } = await cluster();
  const table: [object, number, RegExp][] = [
    [wanted("x"), 422, /PEM block type must be CERTIFICATE REQUEST/],
    [wanted(tampered(JANE)), 422, /spec\.request: Invalid value/],
    [wanted(JANE, { usages: [] }), 422, /spec\.usages: Required value/],
    [wanted(JANE, { usages: ["fun"] }), 422, /spec\.usages\[0\]: Unsupported value: "fun"/],
    [wanted(JANE, { signerName: "x" }), 422, /fully qualified domain and path of the form/],
    [wanted(JANE, { signerName: "kubernetes.io/legacy-unknown" }), 422, /legacy signerName/],
    [wanted(JANE, { expirationSeconds: 599 }), 422, /less than 600 seconds/],
    [wanted(ROOT), 403, /signer with system:masters group is not allowed/],
  ];
  for (const [draft, code, why] of table) {
    const answer = await ask("POST", PATH, draft);
    assert.equal(answer.code, code, answer.body.message);
    assert.match(answer.body.message, why);
  }
});

Deno.test("who approves needs the right for the signer, and what is decided stays", async () => {
  const { ask, grant } = await cluster();
  await ask("POST", PATH, wanted(JANE));
  const verbs = ["update", "patch"];
  await grant(verbs, ["certificatesigningrequests/approval"]);
  const current = async () => (await ask("GET", `${PATH}/x`)).body;
  const approve = async (type: "Approved" | "Denied", token?: string) =>
    await ask("PUT", `${PATH}/x/approval`, { ...await current(), ...approval(type) }, token);
  const refused = await approve("Approved", "jane");
  assert.match(
    refused.body.message,
    /user not permitted to approve requests with signerName "kubernetes.io\/kube-apiserver-client"/,
  );
  const approved = await approve("Approved");
  assert.equal(approved.code, 200, approved.body.message);
  assert.match(approved.body.status.conditions[0].lastUpdateTime, /^2026/);
  const denied = await approve("Denied");
  assert.match(denied.body.message, /updates may not remove a condition of type "Approved"/);
  const status = { ...await current(), status: {} };
  const removed = await ask("PUT", `${PATH}/x/status`, status);
  assert.match(removed.body.message, /updates may not remove a condition of type "Approved"/);
  const set = { ...await current() };
  const byApproval = await ask("PUT", `${PATH}/x/approval`, {
    ...set,
    status: { ...set.status, certificate: btoa("x") },
  });
  assert.match(byApproval.body.message, /updates may not set certificate content/);
  const junk = await ask("PUT", `${PATH}/x/status`, {
    ...set,
    status: { ...set.status, certificate: btoa("x") },
  });
  assert.match(junk.body.message, /must contain at least one CERTIFICATE PEM block/);
});

Deno.test("a certificate that was asked for is what was asked for, by our authority", async () => {
  const authority = await createAuthority("ca");
  const request = certificateRequestOf(JANE);
  assert.deepEqual(request.names, { dns: 1, email: 0, ip: 0, uri: 0 });
  const usages = ["client auth", "digital signature", "key encipherment"];
  const pem = signRequest(authority, request, usages, Date.parse("2030-01-01T00:00:00Z"));
  const certificate = new X509Certificate(pem);
  assert.ok(certificate.verify(new X509Certificate(authority.certificate).publicKey));
  assert.match(certificate.subject, /O=dev\nCN=jane/);
  assert.equal(certificate.subjectAltName, "DNS:jane.example");
  assert.match(certificate.validTo, /Jan {2}1 .* 2030/);
  assert.ok(isForClients(certificateOfPem(pem)));
  assert.deepEqual(certificateRequestOf(NODE).organizations, ["system:nodes"]);
});
