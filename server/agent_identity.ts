import { certificateOfPem } from "../core/lib/der/certificate.ts";
import { nodeOf, nodeUser } from "../core/api/access/nodes/node_identity.ts";
import type { User } from "../core/api/http/api_context.ts";
import { asCommandError, CommandError } from "./command_error.ts";
import { type NodeIdentity, readIdentity } from "./join/identity.ts";
import { type Access, readAccess } from "./kubeconfig.ts";
import type { AgentFlags } from "./options.ts";

/** As which node an agent runs, and for which server. */
export interface AgentIdentity {
  node: string;
  access: Access;
  /** As which the machine has joined: its certificate is renewed. Absent: a kubeconfig says who it is. */
  joined?: NodeIdentity;
}

/** By the kubeconfig that is given, else as the machine has joined. Throws a {@linkcode CommandError}. */
export async function agentIdentity(
  { kubeconfig, data, node, isNodeGiven = true, server }: Pick<
    AgentFlags,
    "kubeconfig" | "data" | "node" | "isNodeGiven" | "server"
  >,
): Promise<AgentIdentity> {
  const chosen = server === undefined ? {} : { server };
  if (kubeconfig !== undefined) {
    const access = { ...await readAccess(kubeconfig), ...chosen };
    requireOwnIdentity(access, node);
    return { node, access };
  }
  const identity = await readIdentity(data).catch(asCommandError);
  if (identity === undefined) {
    throw new CommandError(
      `Cannot run an agent: this machine has joined no cluster by "${data}"; run the command that ` +
        '"coracle token create" prints on the server, or name a --kubeconfig',
    );
  }
  if (isNodeGiven && node !== identity.node) {
    throw new CommandError(
      `Cannot run the agent of node "${node}": this machine has joined as node "${identity.node}"; leave out --node`,
    );
  }
  const access = { ...identity, ...chosen };
  return { node: identity.node, access, joined: access };
}

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
