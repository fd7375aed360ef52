import type { View } from "../../client/client.ts";
import type { CertificateRequest } from "../../lib/der/certificate_request.ts";
import { ownField } from "../../lib/own_field.ts";
import type { CertificateSigningRequest } from "../../resources/certificates/certificate_signing_requests.ts";
import {
  BOOT_ID,
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
  return { before: [...counted(secret!, token!, asked), ...nodeWrites(asked, name, token!, node)] };
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

/** The node is there from now on, so that no other machine gets its name. */
function nodeWrites(
  { metadata: { annotations } }: CertificateSigningRequest,
  name: string,
  { labels }: TokenTerms,
  node: Node | undefined,
): Write[] {
  if (node === undefined) {
    const machineID = ownField(annotations, MACHINE_ID) ?? "";
    const bootID = ownField(annotations, BOOT_ID) ?? "";
    const status = { nodeInfo: { machineID, bootID } } as Node["status"]; // the rest has defaults
    return [create(nodes, { metadata: { name, labels }, status })];
  }
  const { metadata } = node;
  const isLabelled = Object.entries(labels)
    .every(([key, value]) => ownField(metadata.labels, key) === value);
  if (isLabelled) return [];
  const all = { ...metadata.labels, ...labels };
  return [update(nodes, { ...node, metadata: { ...metadata, labels: all } })];
}
