import { createApi } from "../core/api/app.ts";
import { serve } from "../core/api/front/front.ts";
import { ListenError, type Served } from "../core/api/front/served.ts";
import { RoutedStreams } from "../core/client/routed_streams.ts";
import { FreedMemory } from "../core/lib/linux/freed_memory.ts";
import { bootstrap } from "../core/objects/bootstrap.ts";
import { RESOURCES } from "../core/resources/mod.ts";
import { dialableHost, hostAndPort, serverAddress } from "./addresses.ts";
import { Assembly } from "./assembly.ts";
import { CommandError } from "./command_error.ts";
import { type Terminal } from "./terminal.ts";
import { type ControlPlane, openControlPlane, runControllers } from "./control_plane.ts";
import { type FileStore, lookAfterDisk, openFileStore } from "./file_store.ts";
import type { Ground } from "./ground.ts";
import { createNode, type Node, runNode } from "./node.ts";
import { type NodeGround, openNode } from "./node_ground.ts";
import { openCredentials, type ServerCredentials } from "./server_credentials.ts";
import type { ServerFlags } from "./options.ts";
import { openSharedStore, runAsOwner, type SharedStore } from "./shared_store.ts";
import { VERSION } from "./version.ts";

/** Where a server that runs can be found. */
interface Place {
  url: string;
  kubeconfig: string;
  /** What runs the containers, e.g. `podman 4.3.1`. */
  runtime: string;
  /** The server that owns the store, when it is another one. */
  owner?: string;
}

interface Built {
  place: Place;
  node: NodeGround;
}

/** The whole of Coracle in this process. */
export type CoracleServer = Assembly<Built>;

/**
 * Resolves when the API answers; `undefined` when the terminal's signal aborts before. Throws a
 * {@linkcode CommandError} for what the user can mend.
 */
export async function startServer(
  flags: ServerFlags,
  terminal: Terminal,
): Promise<CoracleServer | undefined> {
  try {
    return await Assembly.start(flags, terminal, build);
  } catch (error) {
    if (terminal.signal.aborted) return undefined;
    throw error;
  }
}

/** Builds the parts from the ground up. What is started last is stopped first: the API, the proxy, the agent. */
async function build(ground: Ground<ServerFlags>): Promise<Built> {
  const { flags } = ground;
  const freed = FreedMemory.keepGivingBack(ground.clock);
  if (freed) ground.parts.use(freed);
  const shared = flags.store && await openSharedStore(ground, flags.store);
  const file = shared ? undefined : await openFileStore(ground);
  const { store } = shared ?? file!; // one of the two
  const nodeGround = await openNode(ground);
  const { serviceCidr } = nodeGround;
  const plane = openControlPlane(ground, store, { serviceCidr, host: flags.node });
  const hostIP = serverAddress(flags.listen.host, Deno.networkInterfaces());
  const labels = { "node-role.kubernetes.io/control-plane": "" };
  const access = { client: plane.client, view: plane.client, events: plane.events };
  const node = await createNode(ground, access, { ...nodeGround, hostIP, labels });
  const names = [...namesOf(flags.listen.host), flags.node, plane.objects.apiServiceAddress];
  const credentials = await openCredentials(ground, plane.objects, { names, isAlone: !shared });
  if (!shared) await credentials.record();
  const { served, place } = await openApi(ground, plane, {
    ...{ credentials, node, nodeGround, shared, file },
  });
  const apiAddress = dialableHost(served.address.host, hostIP);
  const { port: apiPort } = served.address;
  const parts = ground.parts.use(new AsyncDisposableStack());
  ground.parts.defer(() => served.stop());
  const run = async () => {
    await bootstrap(plane.objects, { apiAddress, apiPort });
    if (shared) void credentials.record();
    runControllers({ ...ground, parts }, plane, nodeGround);
    await runNode({ ...ground, parts }, access, { ...node, ...nodeGround });
    if (file) void lookAfterDisk(file, { agent: node.agent, log: ground.log });
    ground.log.debug("Everything runs", { dataFolder: ground.dataFolder });
  };
  const advertised = `https://${hostAndPort(apiAddress, apiPort)}`;
  const owner = shared ? await runAsOwner(ground, shared.contender, advertised, run) : await run();
  return { place: { ...place, ...(owner && { owner }) }, node: nodeGround };
}

async function openApi(
  ground: Ground<ServerFlags>,
  { objects, client }: ControlPlane,
  { credentials, node: { agent }, nodeGround, shared, file }: {
    credentials: ServerCredentials;
    node: Node;
    nodeGround: NodeGround;
    shared: SharedStore | undefined;
    file: FileStore | undefined;
  },
): Promise<{ served: Served; place: Place }> {
  const { flags: { listen, front = "auto", node: nodeName }, dataFolder, clock, random, log } =
    ground;
  const { authority, server: pair } = credentials.loaded;
  const nodeStreams = new RoutedStreams({ view: client, nodes: new Map([[nodeName, agent]]) });
  const api = createApi({
    ...{ objects, resources: RESOURCES, nodeStreams, clock, random, log },
    ...{ ...credentials.api, version: VERSION },
    ...(file && { storeFile: file }),
    ...(shared && { gate: shared.gate, healthChecks: shared.healthChecks }),
  });
  const served = await serve(api, { ...listen, front, tls: { ...pair, authority }, clock, log })
    .catch((error) => {
      throw error instanceof ListenError ? new CommandError(error.message) : error;
    });
  const url = `https://${hostAndPort(dialableHost(served.address.host), served.address.port)}`;
  await credentials.publish(url);
  const kubeconfig = `${dataFolder}/admin.kubeconfig`;
  return { served, place: { url, kubeconfig, runtime: nodeGround.title } };
}

/** All that the API is dialled by when it listens there. */
function namesOf(host: string): string[] {
  if (host !== "0.0.0.0" && host !== "::") return [host];
  return Deno.networkInterfaces().map(({ address }) => address)
    .filter((address) => !address.startsWith("fe80:"));
}
