import {
  lazyMeasurer,
  type MeasurementSettings,
} from "../core/controllers/analysis/providers/lazy_measurer.ts";
import { ifAbsent } from "../core/lib/absent.ts";
import { volumeSchemas } from "../agent/volumes/volume_type.ts";
import { withVolumeSources } from "../core/resources/core/pods/spec/volume_sources.ts";
import { messageOf } from "../core/lib/error_message.ts";
import { hostAndPort, serverAddress } from "./addresses.ts";
import { Assembly } from "./assembly.ts";
import { CommandError } from "./command_error.ts";
import type { CommandContext } from "./context.ts";
import { openFileStore } from "./file_store.ts";
import { nodeBlocksOf, ownBlockOf } from "./pod_range.ts";
import { type MachinePlatform, openMachine } from "./node_platform.ts";
import type { NodeLifecycleOptions } from "../core/controllers/nodes/large_outages.ts";
import type { NodeLifecycleFlags, ServerFlags } from "./options.ts";
import { REGISTRY, type Registry } from "./registry.ts";
import { runServer, type Server, type ServerEnvironment } from "./server.ts";
import { openAccess, urlOf } from "./server_access.ts";
import { openSharedStore } from "./shared_store.ts";
import type { Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** A server with all its parts in this process. */
export type CoracleServer = Assembly<Built>;

interface Built extends Server<MachinePlatform> {
  url: string;
  /** Path of the admin's kubeconfig. */
  kubeconfig: string;
}

/**
 * Resolves when the API answers; `undefined` when the terminal's signal aborts before. Throws a
 * {@linkcode CommandError} for what the user can fix.
 */
export async function startServer(
  flags: ServerFlags,
  terminal: Terminal,
  registry: Registry = REGISTRY,
): Promise<CoracleServer | undefined> {
  try {
    return await Assembly.start(flags, terminal, (context) => build(context, registry));
  } catch (error) {
    if (terminal.signal.aborted) return undefined;
    throw error;
  }
}

async function build(context: CommandContext<ServerFlags>, registry: Registry): Promise<Built> {
  const server = await runServer(context, environmentOf(context, registry));
  await startMetrics(context, server);
  return { ...server, url: urlOf(server), kubeconfig: `${context.dataFolder}/admin.kubeconfig` };
}

/** Only when the flags ask for it. */
async function startMetrics(
  { flags: { metricsListen }, parts }: CommandContext<ServerFlags>,
  { metrics }: Server<MachinePlatform>,
): Promise<void> {
  if (metricsListen === undefined) return;
  const { serveMetrics } = await import("./metrics/listener.ts");
  try {
    const listener = serveMetrics(metricsListen, metrics);
    parts.defer(() => listener.stop());
  } catch (error) {
    const where = hostAndPort(metricsListen.host, metricsListen.port);
    throw new CommandError(
      `Cannot serve metrics at ${where}: ${
        messageOf(error)
      }; choose another address with --metrics-listen`,
    );
  }
}

/** This machine, as the flags describe it. */
function environmentOf(
  context: CommandContext<ServerFlags>,
  registry: Registry,
): ServerEnvironment<MachinePlatform> {
  const { flags: { store, listen, node: nodeName, gatewayAddress, stopPods, lbRange } } = context;
  const resources = withVolumeSources(registry.resources, volumeSchemas(registry.volumeTypes));
  return {
    registry: { ...registry, resources },
    version: VERSION,
    nodeName,
    gatewayAddress,
    stopPods,
    ...(lbRange !== undefined && { balancerRange: lbRange }),
    nodeBlocks: nodeBlocksOf(context.flags),
    nodeLifecycle: nodeLifecycleOf(context.flags),
    enabledPlugins: context.flags.enableAdmissionPlugins ?? [],
    eventLimits: context.flags.eventRateLimits ?? [],
    measurements: (parts) => lazyMeasurer({ ...parts, ...measurementSettings(context) }),
    openStore: () =>
      store ? openSharedStore(context, store, resources) : openFileStore(context, resources),
    openPlatform: (knownRange) =>
      openMachine(context, {
        registry,
        ...ownRangeOf(context.flags, knownRange),
        ...(lbRange !== undefined && { balancerRange: lbRange }),
        hostIP: serverAddress(listen.host, Deno.networkInterfaces()),
        labels: { "node-role.kubernetes.io/control-plane": "" },
      }),
    openAccess: (objects) => openAccess(context, objects, { isAlone: store === undefined }),
  };
}

/** The range of the pods of the server's own node: once it has one of network addresses, it keeps it. */
function ownRangeOf(flags: ServerFlags, known: string | undefined): { podCidr?: string } {
  const podCidr = known?.startsWith("127.") ? ownBlockOf(flags) : known ?? ownBlockOf(flags);
  return podCidr === undefined ? {} : { podCidr };
}

function nodeLifecycleOf(
  {
    nodeMonitorGracePeriod: graceMs,
    nodeEvictionRate: nodesPerSecond,
    secondaryNodeEvictionRate: secondaryNodesPerSecond,
    unhealthyZoneThreshold: unhealthyShare,
    largeClusterSizeThreshold: largeZoneNodes,
  }: NodeLifecycleFlags,
): NodeLifecycleOptions {
  return {
    ...(graceMs !== undefined && { graceMs }),
    ...(nodesPerSecond !== undefined && { nodesPerSecond }),
    ...(secondaryNodesPerSecond !== undefined && { secondaryNodesPerSecond }),
    ...(unhealthyShare !== undefined && { unhealthyShare }),
    ...(largeZoneNodes !== undefined && { largeZoneNodes }),
  };
}

function measurementSettings({ clock, flags }: CommandContext<ServerFlags>): MeasurementSettings {
  const environment = (name: string) => Deno.env.get(name);
  const home = environment("HOME") ?? ".";
  return {
    clock,
    allowed: flags.analysisTargets ?? [],
    environment,
    homeFile: (path) => Deno.readTextFile(`${home}/${path}`).catch(ifAbsent),
  };
}
