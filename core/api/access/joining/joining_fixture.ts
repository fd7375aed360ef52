import { newCertificateRequest, newPrivateKey } from "../../../lib/der/new_certificate_request.ts";
import { type ApiFixture, freshApi } from "../../api_fixture.ts";
import { JOINERS } from "../../../resources/core/bootstrap_tokens.ts";

export const REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const SIGNER = "kubernetes.io/kube-apiserver-client-kubelet";

export interface Answer {
  code: number;
  // deno-lint-ignore no-explicit-any -- tests look at single fields
  body: any;
}

/** A cluster with a token `abcdef.0123456789abcdef`, and who asks there. */
export async function joinable(
  { annotations = {}, data = {} }: {
    annotations?: Record<string, string>;
    data?: Record<string, string>;
  } = {},
): Promise<ApiFixture & { askAs: typeof askAs; admin: typeof admin }> {
  const nodeB = { name: "system:node:b", groups: ["system:nodes"] };
  const fixture = await freshApi({ users: { "node-b": nodeB } });
  await admin("POST", "/api/v1/namespaces/kube-system/secrets", {
    metadata: { name: "bootstrap-token-abcdef", annotations },
    type: "bootstrap.kubernetes.io/token",
    stringData: {
      "token-id": "abcdef",
      "token-secret": "0123456789abcdef",
      "usage-bootstrap-authentication": "true",
      "auth-extra-groups": JOINERS,
      ...data,
    },
  });
  return { ...fixture, askAs, admin };

  async function admin(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await fixture.ask(method, path, body);
    return { code: answer.status, body: await answer.json() };
  }

  /** Absent: anonymously. */
  async function askAs(
    token: string | undefined,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Answer> {
    const answer = await fixture.api.app.request(path, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { code: answer.status, body: await answer.json() };
  }
}
export const TOKEN = "abcdef.0123456789abcdef";

/** A request for the certificate of a node. */
export function requestFor(
  node: string,
  { name = `csr-${node}`, annotations = {}, ...more }: {
    name?: string;
    annotations?: Record<string, string>;
    commonName?: string;
    organization?: string;
    signerName?: string;
  } = {},
): object {
  const { commonName = `system:node:${node}`, organization = "system:nodes" } = more;
  const pem = newCertificateRequest({ commonName, organization }, newPrivateKey());
  return {
    metadata: { name, annotations },
    spec: {
      request: btoa(pem),
      signerName: more.signerName ?? SIGNER,
      usages: ["digital signature", "client auth"],
    },
  };
}
