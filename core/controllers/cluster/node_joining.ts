import type { View } from "../../client/client.ts";
import type { CertificateRequest } from "../../lib/der/certificate_request.ts";
import { isEqual } from "../../lib/equality.ts";
import { ownField } from "../../lib/own_field.ts";
import type { CertificateSigningRequest } from "../../resources/certificates/certificate_signing_requests.ts";
import {
  BOOT_ID,
  JOINED_BY,
  joinFault,
  joiningTokenOf,
  MACHINE_ID,
  nodeNameIn,
} from "../../resources/certificates/node_joining.ts";
import {
  TOKEN_NAMESPACE,
  TOKEN_USED_BY,
  tokenSecretName,
  type TokenTerms,
  tokenTermsOf,
} from "../../resources/core/bootstrap_tokens.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { type Secret, secrets } from "../../resources/core/secrets.ts";
import { create, update, type Write } from "../runtime/controller.ts";
import { signerFault } from "./certificate_rules.ts";

/** What becomes of a machine's request to join: refused with these words, or let in after these writes. */
export type Joining = { refused: string } | { before: Write[] };

/**
 * Decides whether a machine joins by a token; `undefined`: the request is none of that. The use is counted, and the node made
 * with the token's labels, before the request is approved: a token of one use never lets in two, because each look sees what
 * the one before has counted, and two writes of one version of the Secret cannot both succeed.
 */
export function joiningOf(
  asked: CertificateSigningRequest,
  request: CertificateRequest,
  view: View,
  nowMs: number,
): Joining | undefined {
  const id = joiningTokenOf(asked.spec);
  if (id === undefined) return undefined;
  const fault = signerFault(asked.spec, request);
  const name = nodeNameIn(request);
  if (fault !== undefined || name === undefined) {
    return { refused: fault ?? "subject common name is not system:node: and the name of a node" };
  }
  const secret = view.get(secrets, { namespace: TOKEN_NAMESPACE, name: tokenSecretName(id) });
  const token = secret && tokenTermsOf(secret);
  const node = view.get(nodes, { name });
  const refused = joinFault(asked, name, { token, node, nowMs });
  if (refused !== undefined) return { refused };
  const writes = nodeWrites(asked, name, token!, node);
  return { before: [...counted(secret!, token!, asked), ...writes] };
}

function counted(
  secret: Secret,
  { uses, usedBy }: TokenTerms,
  { metadata: { uid } }: CertificateSigningRequest,
): Write[] {
  if (uses === undefined || usedBy.includes(uid)) return [];
  const annotations = {
    ...secret.metadata.annotations,
    [TOKEN_USED_BY]: [...usedBy, uid].join(","),
  };
  return [update(secrets, { ...secret, metadata: { ...secret.metadata, annotations } })];
}

/**
 * The node is there from now on, so that no other machine gets its name. What machines have had the name before no longer are it:
 * only certificates with this uid count.
 */
function nodeWrites(
  { metadata: { annotations, uid } }: CertificateSigningRequest,
  name: string,
  { labels }: TokenTerms,
  node: Node | undefined,
): Write[] {
  if (node === undefined) {
    const machineID = ownField(annotations, MACHINE_ID) ?? "";
    const bootID = ownField(annotations, BOOT_ID) ?? "";
    const status = { nodeInfo: { machineID, bootID } } as Node["status"]; // the rest has defaults
    const metadata = { name, labels, annotations: { [JOINED_BY]: uid } };
    return [create(nodes, { metadata, status })];
  }
  const { metadata } = node;
  const next = {
    ...metadata,
    labels: { ...metadata.labels, ...labels },
    annotations: { ...metadata.annotations, [JOINED_BY]: uid },
  };
  return isEqual(next, metadata) ? [] : [update(nodes, { ...node, metadata: next })];
}
