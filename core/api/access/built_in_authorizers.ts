import { LocalClient } from "../../objects/local_client.ts";
import type { Objects } from "../../objects/objects.ts";
import { ALL_RULES, ALLOW, type Authorizer, NO_OPINION, NO_RULES } from "./authorizer.ts";
import { isAdmin } from "./admin.ts";
import {
  isJoinersRight,
  JOINERS_RULES,
  type JoinView,
  joinViewOf,
  mayAskForCertificates,
} from "./joining/join_rights.ts";
import { nodeOf } from "./nodes/node_identity.ts";
import { nodesRight, type RightsView, rightsViewOf } from "./nodes/node_rights.ts";
import { RbacAuthorizer } from "./rbac_authorizer.ts";

/** Creates the authorizer of a server with these objects. */
export type AuthorizerDefinition = (objects: Objects) => Authorizer;

/** The built-in authorizers, in the order in which they are asked. A new one is one file and one line here. */
export const AUTHORIZERS: readonly AuthorizerDefinition[] = [
  () => adminAuthorizer,
  () => publicPathsAuthorizer,
  (objects) => nodeAuthorizer(rightsViewOf(objects)),
  (objects) => joinAuthorizer(joinViewOf(objects)),
  (objects) => new RbacAuthorizer(new LocalClient(objects)),
];

/** The admin may do everything. */
const adminAuthorizer: Authorizer = {
  authorize: (user) => isAdmin(user) ? ALLOW_ADMIN : NO_OPINION,
  rulesFor: (user) => isAdmin(user) ? ALL_RULES : NO_RULES,
};
const ALLOW_ADMIN = { ...ALLOW, reason: "the admin may do everything" };

/** Open to everyone: probes and `kubectl version` have no credentials. */
const PUBLIC_PATHS = /^\/(?:healthz|livez|readyz)(?:\/[\w-]+)?$|^\/version\/?$/;
const PUBLIC_RULES = {
  ...NO_RULES,
  nonResourceRules: [{
    verbs: ["get"],
    nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version"],
  }],
};

/** https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles (system:public-info-viewer) */
const publicPathsAuthorizer: Authorizer = {
  authorize: (_user, attributes) =>
    !attributes.isResource && attributes.verb === "get" && PUBLIC_PATHS.test(attributes.path)
      ? ALLOW
      : NO_OPINION,
  rulesFor: () => PUBLIC_RULES,
};

/** What the agent of a node may do; `node_restriction.ts` checks the bodies of what it writes. */
function nodeAuthorizer(view: RightsView): Authorizer {
  return {
    authorize: (user, attributes) => {
      const node = nodeOf(user);
      if (node === undefined) return NO_OPINION;
      if (!attributes.isResource) return isOwnReport(node, attributes) ? ALLOW : NO_OPINION;
      return nodesRight(node, attributes, view);
    },
    rulesFor: (user) =>
      nodeOf(user) === undefined ? NO_RULES : { ...NO_RULES, evaluationError: NODES_RULES },
  };
}

/** What machines that join may do; `join_restriction.ts` checks what they ask for. */
function joinAuthorizer(view: JoinView): Authorizer {
  return {
    authorize: (user, attributes) =>
      attributes.isResource && isJoinersRight(user, attributes, view) ? ALLOW : NO_OPINION,
    rulesFor: (user) =>
      mayAskForCertificates(user) ? { ...NO_RULES, resourceRules: JOINERS_RULES } : NO_RULES,
  };
}

/** Other than Kubernetes, whose metrics-server asks the kubelets. */
function isOwnReport(node: string, { verb, path }: { verb: string; path: string }): boolean {
  const isReport = path === `/node-reports/${node}` || path === `/traffic-reports/${node}`;
  return verb === "put" && isReport;
}

const NODES_RULES = "rights that depend on what an object says are not listed";
