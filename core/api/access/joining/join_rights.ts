import type { Objects } from "../../../objects/objects.ts";
import {
  type CertificateSigningRequest,
  certificateSigningRequests,
} from "../../../resources/certificates/certificate_signing_requests.ts";
import { JOINERS, tokenIdOf } from "../../../resources/core/bootstrap_tokens.ts";
import { groupResourceOf } from "../../../resources/resource.ts";
import type { User } from "../../http/api_context.ts";
import type { ResourceAttributes } from "../../http/request_info.ts";
import { nodeOf } from "../nodes/node_identity.ts";
import { CLUSTER_INFO } from "./cluster_info.ts";

/** What the decision reads. */
export interface JoinView {
  /** Who has sent a request for a certificate. */
  requesterOf(name: string): string | undefined;
}

export function joinViewOf({ store }: Objects): JoinView {
  return {
    requesterOf: (name) => {
      const key = [groupResourceOf(certificateSigningRequests), "", name] as const;
      const asked = store.get(key)?.object as CertificateSigningRequest | undefined;
      return asked?.spec.username;
    },
  };
}

/**
 * Machines that join, and nodes, ask for certificates and read what has become of their own requests; everybody may read
 * by which authority the server is known. What they may ask for: `join_restriction.ts`. Narrower than the role
 * `system:node-bootstrapper`, whose holders see everybody's requests. Pure.
 */
export function isJoinersRight(
  user: User,
  attributes: ResourceAttributes,
  { requesterOf }: JoinView,
): boolean {
  if (isClusterInfo(attributes)) return true;
  const { verb, group, resource, subresource, name } = attributes;
  const { group: ownGroup, plural } = certificateSigningRequests;
  if (group !== ownGroup || resource !== plural || subresource !== undefined) return false;
  if (!mayAskForCertificates(user)) return false;
  return verb === "create" ||
    (verb === "get" && name !== undefined && requesterOf(name) === user.name);
}

/** The same in the words of SelfSubjectRulesReview, as far as it does not depend on what an object says. */
export const JOINERS_RULES = [{
  verbs: ["create"],
  apiGroups: [certificateSigningRequests.group],
  resources: [certificateSigningRequests.plural],
}];

/** Whether the user is a machine that joins by a token, or a node. */
export function mayAskForCertificates({ name, groups }: User): boolean {
  const isJoiner = tokenIdOf(name) !== undefined && groups.includes(JOINERS);
  return isJoiner || nodeOf({ name, groups }) !== undefined;
}

function isClusterInfo({ verb, group, resource, subresource, ...rest }: ResourceAttributes) {
  return verb === "get" && group === "" && resource === "configmaps" &&
    subresource === undefined && rest.namespace === CLUSTER_INFO.namespace &&
    rest.name === CLUSTER_INFO.name;
}
