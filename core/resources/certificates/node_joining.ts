import type { CertificateRequest } from "../../lib/der/certificate_request.ts";
import { ownField } from "../../lib/own_field.ts";
import { subdomainFaults } from "../../schema/names.ts";
import { JOINERS, tokenIdOf, type TokenTerms } from "../core/bootstrap_tokens.ts";
import type { Node } from "../core/nodes/nodes.ts";
import type { CertificateSigningRequest } from "./certificate_signing_requests.ts";

export const NODE_CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet";
const NODE_PREFIX = "system:node:";
/** Annotations of a request by which a machine joins: which machine it is, and since which boot. */
export const MACHINE_ID = "coracle.dev/machine-id";
export const BOOT_ID = "coracle.dev/boot-id";

/** Annotation of a node: the uid of the request by which its machine has joined, and of the user that the machine is. */
export const JOINED_BY = "coracle.dev/joined-by";

/** What is known where a machine asks to join. */
export interface JoinSituation {
  /** Of the token by which it asks; absent: the token is gone. */
  readonly token: TokenTerms | undefined;
  /** The node of that name, if there is one. */
  readonly node: Node | undefined;
  readonly nowMs: number;
}

/** The id of the token by which a machine asks to join without anybody's approval; `undefined`: somebody else asks. */
export function joiningTokenOf(
  { signerName, username = "", groups = [] }: CertificateSigningRequest["spec"],
): string | undefined {
  if (signerName !== NODE_CLIENT_SIGNER || !groups.includes(JOINERS)) return undefined;
  return tokenIdOf(username);
}

/** The node that a certificate is asked for; `undefined`: it names none. */
export function nodeNameIn(
  { commonNames: [name = "", ...more] }: CertificateRequest,
): string | undefined {
  const node = name.startsWith(NODE_PREFIX) ? name.slice(NODE_PREFIX.length) : "";
  return more.length === 0 && subdomainFaults(node).length === 0 ? node : undefined;
}

/**
 * Why a machine may not join as this node, with what to do; `undefined`: it may. Pure. A request that has been counted
 * already is not counted again.
 */
export function joinFault(
  asked: Pick<CertificateSigningRequest, "metadata">,
  name: string,
  { token, node, nowMs }: JoinSituation,
): string | undefined {
  const another = 'make a new one with "coracle token create"';
  if (token === undefined) return `the token has been revoked; ${another}`;
  const { id, expiresMs, uses, usedBy, node: only } = token;
  if (usedBy.includes(asked.metadata.uid)) return undefined;
  if (expiresMs !== undefined && !(expiresMs > nowMs)) {
    return `the token "${id}" has expired; ${another}`;
  }
  if (only !== undefined && only !== name) {
    return `the token "${id}" is for the node "${only}" alone, not for "${name}"; ` +
      `join with --node ${only}, or ${another}`;
  }
  if (uses !== undefined && usedBy.length >= uses) {
    return `the token "${id}" has been used ${usedBy.length} times of ${uses}; ${another}`;
  }
  if (node === undefined || isSameMachine(asked, node)) return undefined;
  return `another machine has joined as node "${name}"; join under another name with --node, or, ` +
    `if that machine is gone for good, remove it with "coracle node delete ${name}" first`;
}

/**
 * Machines made of one image have the same id. So as long as the node is heard from, only a machine of the same boot is the
 * same one.
 */
function isSameMachine(
  { metadata: { annotations } }: Pick<CertificateSigningRequest, "metadata">,
  { status: { nodeInfo, conditions = [] } }: Node,
): boolean {
  const machine = ownField(annotations, MACHINE_ID);
  if (!machine || machine !== nodeInfo?.machineID) return false;
  const isHeardFrom = conditions.some(({ type, status }) => type === "Ready" && status === "True");
  return !isHeardFrom || ownField(annotations, BOOT_ID) === nodeInfo.bootID;
}
