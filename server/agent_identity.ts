import { certificateOfPem } from "../core/lib/der/certificate.ts";
import { nodeOf, nodeUser } from "../core/api/access/nodes/node_identity.ts";
import type { User } from "../core/api/http/api_context.ts";
import { CommandError } from "./command_error.ts";
import type { Access } from "./kubeconfig.ts";

/**
 * Refuses a kubeconfig that was not issued to the agent of this node: whoever gets hold of the machine gets what its
 * kubeconfig allows. Throws a {@linkcode CommandError} that says how to get the right one.
 */
export function requireOwnIdentity({ pair, token, server }: Access, node: string): void {
  const wanted = nodeUser(node).name;
  const user = pair && userOf(pair.certificate);
  const has = token !== undefined
    ? "a token, as the admin's has"
    : user
    ? `the credentials of "${user.name}"`
    : "no client certificate";
  if (token === undefined && user && nodeOf(user) === node) return;
  throw new CommandError(
    `Cannot run the agent of node "${node}": the kubeconfig has ${has}, not those of "${wanted}"; create them on the server: ` +
      `coracle credentials create node ${node} --server ${server} --output ${node}.kubeconfig`,
  );
}

function userOf(certificate: string): User {
  try {
    const { commonNames, organizations } = certificateOfPem(certificate);
    return { name: commonNames[0] ?? "", groups: organizations };
  } catch (error) {
    throw new CommandError(
      `Cannot read the client certificate in the kubeconfig: ${(error as Error).message}`,
    );
  }
}
