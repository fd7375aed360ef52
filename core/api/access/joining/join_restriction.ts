import { forbidden } from "../../../client/refusals.ts";
import { certificateRequestOf } from "../../../lib/der/certificate_request.ts";
import type { Objects } from "../../../objects/objects.ts";
import {
  type CertificateSigningRequest,
  certificateSigningRequests,
} from "../../../resources/certificates/certificate_signing_requests.ts";
import {
  joinFault,
  joiningTokenOf,
  NODE_CLIENT_SIGNER,
  nodeNameIn,
} from "../../../resources/certificates/node_joining.ts";
import {
  TOKEN_NAMESPACE,
  tokenIdOf,
  tokenSecretName,
  tokenTermsOf,
} from "../../../resources/core/bootstrap_tokens.ts";
import { type Node, nodes } from "../../../resources/core/nodes/nodes.ts";
import { type Secret, secrets } from "../../../resources/core/secrets.ts";
import type { AnyResource, KubeObject } from "../../../resources/resource.ts";
import type { User } from "../../http/api_context.ts";
import { nodeOf } from "../nodes/node_identity.ts";

/**
 * Refuses at once, in words for who sits at the machine, what would be denied: a machine asks only for the certificate of the
 * node that it joins as, a node only for its own. For `WriteOptions.refuse`; `undefined`: somebody else asks, or for
 * something else. Who is let in at last the controller decides, which also counts.
 */
export function joinCheck(
  objects: Objects,
  user: User,
  resource: AnyResource,
): ((next: KubeObject) => void) | undefined {
  const { group, plural } = certificateSigningRequests;
  if (resource.group !== group || resource.plural !== plural) return undefined;
  const node = nodeOf(user);
  if (node === undefined && tokenIdOf(user.name) === undefined) return undefined;
  return (next) => {
    const asked = next as CertificateSigningRequest;
    const refused = node === undefined ? joinerFault(objects, asked) : nodeFault(node, asked);
    if (refused !== undefined) throw forbidden(resource, next.metadata.name, refused);
  };
}

function nodeFault(node: string, asked: CertificateSigningRequest): string | undefined {
  const isServing = asked.spec.signerName === "kubernetes.io/kubelet-serving";
  if (!isServing && asked.spec.signerName !== NODE_CLIENT_SIGNER) {
    return `node "${node}" is not allowed to ask signer "${asked.spec.signerName}"`;
  }
  return requestedNode(asked) === node
    ? undefined
    : `node "${node}" is not allowed to ask for a certificate of another`;
}

function joinerFault(objects: Objects, asked: CertificateSigningRequest): string | undefined {
  const id = joiningTokenOf(asked.spec);
  if (id === undefined) return undefined; // by rights of its own it may ask; a person approves
  const name = requestedNode(asked);
  if (name === undefined) return "the certificate asked for is not one of a node";
  const { store, clock } = objects;
  const key = [secrets.plural, TOKEN_NAMESPACE, tokenSecretName(id)] as const;
  const secret = store.get(key)?.object as Secret | undefined;
  const node = store.get([nodes.plural, "", name])?.object as Node | undefined;
  return joinFault(asked, name, {
    token: secret && tokenTermsOf(secret),
    node,
    nowMs: clock.now(),
  });
}

/** What cannot be read the kind refuses. */
function requestedNode({ spec }: CertificateSigningRequest): string | undefined {
  const pem = new TextDecoder().decode(Uint8Array.fromBase64(spec.request));
  return nodeNameIn(certificateRequestOf(pem));
}
