import type { Checkpoint } from "../agent/checkpoint/checkpoint.ts";
import { openCheckpoint } from "../agent/checkpoint/open_checkpoint.ts";
import { agentStreamKinds } from "../agent/tunnel/stream_kinds.ts";
import { podPorts } from "../agent/network/far/pod_ports.ts";
import { agentSources } from "../agent/agent_sources.ts";
import { ApiError, isRefusal } from "../core/client/api_error.ts";
import type { View } from "../core/client/client.ts";
import { LinkError } from "../core/client/link_error.ts";
import type { Source } from "../core/client/list_watch.ts";
import { UPLINKS } from "../core/client/tunnel/tunnel_times.ts";
import { objectPath } from "../core/client/object_path.ts";
import type { ServerLink } from "../core/client/server_link.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { NAME_SOURCES } from "../agent/dns/threads/run_dns.ts";
import { referenceGrants } from "../core/resources/gateway/reference_grants.ts";
import { ROUTE_SOURCES } from "../proxy/threads/run_proxy.ts";
import { nodeAddress } from "./addresses.ts";
import { connect, type RemoteApi, runAgent } from "./agent.ts";
import { linksBy } from "./link/agent_links.ts";
import { type AgentLink, agentLink } from "./link/agent_link.ts";
import { type AgentIdentity, agentIdentity } from "./agent_identity.ts";
import { serviceRangeOf } from "./join/service_range.ts";
import { IdentityKeeper } from "./join/identity_keeper.ts";
import type { AgentFlags } from "./options.ts";
import { Assembly } from "./assembly.ts";
import { CommandError } from "./command_error.ts";
import { type Terminal } from "./terminal.ts";
import { type CommandContext, keepRunning } from "./context.ts";
import { VERSION } from "./version.ts";
import type { Access } from "./kubeconfig.ts";
import { openMachine } from "./node_platform.ts";
import { NODE_REGISTRY } from "./node_registry.ts";
import { assignedRange, checkRange } from "./pod_range.ts";

interface Built {
  node: string;
  /** Address of the server. */
  server: string;
  runtime: string;
  podCidr: string;
}

/**
 * A node whose server is elsewhere: the same agent and the same proxy, over HTTPS. Resolves when it has joined,
 * however long it takes to reach the server; `undefined` when the terminal's signal aborts before.
 */
export async function startAgent(
  flags: AgentFlags,
  terminal: Terminal,
): Promise<Assembly<Built> | undefined> {
  const identity = await agentIdentity(flags);
  try {
    const { node } = identity;
    return await Assembly.start({ ...flags, node }, terminal, (given) => build(given, identity));
  } catch (error) {
    if (terminal.signal.aborted) return undefined;
    throw error;
  }
}

async function build(
  context: CommandContext<AgentFlags>,
  identity: AgentIdentity,
): Promise<Built> {
  const { flags, clock, signal } = context;
  const { node: nodeName, gatewayAddress, stopPods } = flags;
  const { access } = identity;
  const { server } = access;
  const sources = sourcesOf(nodeName);
  const checkpoint = await readCheckpoint(context, { access, sources });
  const { transport, dialler, kinds, time, keepIdentity } = openLink(context, identity);
  const remote = connect(context, {
    time,
    ...{ transport, server, node: nodeName, sources, dialler },
  });
  keepIdentity(remote.link);
  // What was asked of the tunnel that is lost is asked anew; for the first one, everything waits.
  let isFirst = true;
  dialler.onChange((tunnel) => {
    if (tunnel && !isFirst) remote.link.suspect();
    isFirst = false;
  });
  if (!checkpoint.isKept) await checkAccess(remote.link, nodeName, signal);
  const { title, podCidr } = await runAgent(context, remote, {
    nodeName,
    gatewayAddress,
    stopPods,
    checkpoint,
    isLeaseKept: () => dialler.tunnel !== undefined,
    links: linksBy(dialler),
    onNode: ({ agent, images }) => {
      if (agent && images) kinds.push(...agentStreamKinds({ agent, images, clock }));
    },
    openPlatform: async () => {
      const podCidr = await rangeOf(context, remote);
      const serviceCidr = await serviceCidrOf(context, remote);
      const ranges = { ...(podCidr && { podCidr }), ...(serviceCidr && { serviceCidr }) };
      const hostIP = knownAddress(remote.mirror, nodeName) ?? await addressTowards(server);
      const machine = { registry: NODE_REGISTRY, hostIP, labels: {} };
      const opened = await openMachine({ ...context, flags: { ...flags, ...ranges } }, machine);
      const { network } = opened.agent;
      kinds.push(podPorts({ nodeName, view: remote.mirror, network, clock }));
      return opened;
    },
  });
  return { node: nodeName, server, runtime: title, podCidr };
}

/** That of the cluster. Without root, Services have loopback addresses, too. */
async function serviceCidrOf(
  { flags: { serviceCidr }, dataFolder }: CommandContext<AgentFlags>,
  { link }: RemoteApi,
): Promise<string | undefined> {
  if (serviceCidr !== undefined || Deno.uid() !== 0) return serviceCidr;
  return await serviceRangeOf(link, dataFolder);
}

/** What this node was told before, by the same cluster. */
async function readCheckpoint(
  { dataFolder, clock, log, parts }: CommandContext,
  { access: { caPem, server }, sources }: { access: Access; sources: readonly Source[] },
): Promise<Checkpoint> {
  const text = new TextEncoder().encode(caPem?.trim() ?? server);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", text)).toHex();
  const checkpoint = await openCheckpoint({
    ...{ dataFolder, clock, log, cluster: `sha256:${hash}` },
    resources: sources.map(({ resource }) => resource),
  });
  parts.defer(() => checkpoint.close());
  return checkpoint;
}

/** From now on a tunnel is kept, however often it is lost; `keepIdentity` has the certificate renewed with which it is opened. */
function openLink(
  context: CommandContext<AgentFlags>,
  { access, node, joined }: AgentIdentity,
): AgentLink & { keepIdentity(link: ServerLink): void } {
  const { flags: { server, uplink = "usual" } } = context;
  const times = UPLINKS[uplink];
  const userAgent = `coracle-agent/${VERSION}`;
  let used = access;
  const link = agentLink({ ...context, userAgent, node, times, access: () => used });
  context.parts.defer(() => link.close());
  keepRunning(context, "the connection to the server", (signal) => link.run(signal));
  const keepIdentity = (api: ServerLink) => {
    if (!joined) return;
    const keeper = new IdentityKeeper({ ...context, identity: joined, time: link.time });
    keeper.onChange((renewed) => {
      used = { ...renewed, ...(server !== undefined && { server }) };
      link.renewed();
    });
    keepRunning(context, "the certificate of this node", (signal) => keeper.run(api, signal));
  };
  return { ...link, keepIdentity };
}

/** Without root, pods have loopback addresses, which are valid on this machine only: no range has to be assigned. */
async function rangeOf(
  { flags, clock, log, signal }: CommandContext<AgentFlags>,
  { client, mirror: view }: RemoteApi,
): Promise<string | undefined> {
  const { podCidr, node: nodeName } = flags;
  if (podCidr !== undefined) checkRange(view, nodeName, podCidr);
  if (podCidr !== undefined || Deno.uid() !== 0) return podCidr;
  return await assignedRange({ client, view, nodeName, clock, log, signal });
}

/** Fails fast on errors that retrying cannot fix. A server that does not answer now may answer later. */
async function checkAccess(link: ServerLink, node: string, signal: AbortSignal): Promise<void> {
  try {
    await link.ask({ method: "GET", path: objectPath(nodes, { name: node }) }, signal);
  } catch (error) {
    if (isRefusal(error, "NotFound")) return;
    const isPermanent = error instanceof ApiError || /certificate/i.test(String(error));
    if (!isPermanent && error instanceof LinkError) return;
    if (!isPermanent) throw error;
    throw new CommandError(
      `Cannot join the cluster: ${
        (error as Error).message
      }; check that this machine has joined this server and has not been removed from it`,
    );
  }
}

/** What the agent, cluster DNS and the proxy read, each kind once. */
function sourcesOf(node: string): Source[] {
  const ofAgent = agentSources(node, NODE_REGISTRY.volumeTypes);
  const others = new Set([...NAME_SOURCES, ...ROUTE_SOURCES]);
  for (const { resource } of ofAgent) others.delete(resource);
  const onlyFed = { isOnlyFed: true } as const; // to work with the server of the version before
  return [
    ...ofAgent,
    ...[...others].map((resource) => ({
      resource,
      ...(resource === referenceGrants && onlyFed),
    })),
  ];
}

/** The address that this node has had, while it is one of the machine's: no server is asked then. */
function knownAddress(view: View, nodeName: string): string | undefined {
  const { addresses = [] } = view.get(nodes, { name: nodeName })?.status ?? {};
  const known = addresses.find(({ type }) => type === "InternalIP")?.address;
  const isHere = Deno.networkInterfaces().some(({ address }) => address === known);
  return isHere ? known : undefined;
}

/** The local address of a connection to the server: nodes that can reach the server can reach this one by it. */
async function addressTowards(server: string): Promise<string> {
  const { hostname, port } = new URL(server);
  try {
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    using connection = await Deno.connect({ hostname: host, port: Number(port || 443) });
    const { hostname: own } = connection.localAddr;
    return own.startsWith("127.") ? nodeAddress(Deno.networkInterfaces()) : own;
  } catch {
    return nodeAddress(Deno.networkInterfaces()); // it answered a moment ago: this is the best guess
  }
}
