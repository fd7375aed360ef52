import { Agent } from "../agent/agent.ts";
import { readMachine } from "../agent/machine.ts";
import { createApi } from "../core/api/app.ts";
import { CredentialFiles } from "../core/api/credential_files.ts";
import { ListenError, serve, type Served } from "../core/api/front.ts";
import { loadCredentials, writeKubeconfig } from "../core/api/pki.ts";
import { bootstrap } from "../core/objects/bootstrap.ts";
import { RESOURCES } from "../core/resources/mod.ts";
import { Proxy } from "../proxy/proxy.ts";
import { runProxy } from "../proxy/run_proxy.ts";
import { dialableHost, hostAndPort, nodeAddress } from "./addresses.ts";
import { CommandError, type Terminal } from "./command.ts";
import { type ControlPlane, openControlPlane, runControllers } from "./control_plane.ts";
import { prepareDataFolder } from "./data_folder.ts";
import { type NodeGround, openNode } from "./node_ground.ts";
import type { ServerFlags } from "./server.ts";
import { type Ground, keepRunning, layGround } from "./server_ground.ts";
import { KUBERNETES_VERSION, VERSION } from "./version.ts";

/** What requests under way in the proxy are given to end when the server stops. */
const DRAIN_MS = 5_000;
/** What pods are given in all, with `--stop-pods`, before they are killed. */
const STOP_PODS_MS = 30_000;

/** Where a server that runs can be found. */
interface Place {
  url: string;
  kubeconfig: string;
  /** What runs the containers, e.g. `podman 4.3.1`. */
  runtime: string;
}

interface Built {
  place: Place;
  node: NodeGround;
}

/** The whole of Coracle in this process: built in order, stopped in reverse. */
export class CoracleServer {
  readonly place: Place;
  readonly node: NodeGround;
  readonly #ground: Ground;
  readonly #failed: Promise<unknown>;

  private constructor(ground: Ground, built: Built, failed: Promise<unknown>) {
    this.#ground = ground;
    this.place = built.place;
    this.node = built.node;
    this.#failed = failed;
  }

  /** Resolves when the API answers. Throws a {@linkcode CommandError} for what the user can mend. */
  static async start(flags: ServerFlags, terminal: Terminal): Promise<CoracleServer> {
    const failed = Promise.withResolvers<unknown>();
    const dataFolder = await prepareDataFolder(flags.data);
    await using parts = new AsyncDisposableStack();
    const ground = layGround(flags, terminal, { dataFolder, parts, fail: failed.resolve });
    const built = await build(ground);
    return new CoracleServer({ ...ground, parts: parts.move() }, built, failed.promise);
  }

  /** Resolves when the signal aborts, or with the error that makes going on impossible. */
  async ended(signal: AbortSignal): Promise<unknown> {
    const aborted = Promise.withResolvers<undefined>();
    if (signal.aborted) aborted.resolve(undefined);
    signal.addEventListener("abort", () => aborted.resolve(undefined), { once: true });
    return await Promise.race([aborted.promise, this.#failed]);
  }

  /** Stops taking requests, drains, and leaves pods running, unless the flags say otherwise. */
  async stop(): Promise<void> {
    this.#ground.log.info("Stopping");
    await this.#ground.parts.disposeAsync();
  }
}

/** Builds the parts from the ground up. What is started last is stopped first: the API, the proxy, the agent. */
async function build(ground: Ground): Promise<Built> {
  const { flags, dataFolder } = ground;
  const node = await openNode(ground);
  const plane = await openControlPlane(ground, { serviceCidr: node.serviceCidr, host: flags.node });
  const proxy = new Proxy(ground);
  const agent = await createAgent(ground, plane, { node, proxy });
  const { served, place } = await openApi(ground, plane, { agent, node });
  const endpoint = served.address;
  const apiAddress = dialableHost(endpoint.host);
  await bootstrap(plane.objects, { apiAddress, apiPort: endpoint.port });
  runControllers(ground, plane);
  runAgent(ground, agent);
  startProxy(ground, plane, proxy);
  ground.parts.defer(() => served.stop());
  ground.log.debug("Everything runs", { dataFolder });
  return { place, node };
}

async function createAgent(
  ground: Ground,
  plane: ControlPlane,
  { node, proxy }: { node: NodeGround; proxy: Proxy },
): Promise<Agent> {
  const { dataFolder, flags, clock, log } = ground;
  return new Agent({
    nodeName: flags.node,
    hostIP: nodeAddress(Deno.networkInterfaces()),
    podCIDR: node.podCidr,
    labels: { "node-role.kubernetes.io/control-plane": "" },
    version: `v${KUBERNETES_VERSION}+coracle-${VERSION}`,
    machine: await readMachine(dataFolder),
    dataFolder,
    client: plane.client,
    view: plane.client,
    runtime: node.runtime,
    network: node.network,
    clock,
    log,
    events: plane.events,
    untilDrained: (podUid, signal) => proxy.untilDrained(podUid, signal),
  });
}

async function openApi(
  ground: Ground,
  { objects }: ControlPlane,
  { agent, node }: { agent: Agent; node: NodeGround },
): Promise<{ served: Served; place: Place }> {
  const { flags: { listen, node: nodeName }, dataFolder, clock, random, log } = ground;
  const files = new CredentialFiles(dataFolder);
  const names = [listen.host, nodeName, objects.apiServiceAddress].filter(isCertifiable);
  const credentials = await loadCredentials(files, names);
  const { authority, server: pair, admin } = credentials;
  const api = createApi({
    ...{ objects, resources: RESOURCES, nodeStreams: agent, clock, random, log },
    ...{ adminToken: admin.token, version: VERSION },
  });
  const served = await serve(api, { ...listen, tls: { ...pair, authority }, clock, log })
    .catch((error) => {
      throw error instanceof ListenError ? new CommandError(error.message) : error;
    });
  const url = `https://${hostAndPort(dialableHost(served.address.host), served.address.port)}`;
  await writeKubeconfig(files, credentials, url);
  const kubeconfig = `${dataFolder}/admin.kubeconfig`;
  return { served, place: { url, kubeconfig, runtime: node.title } };
}

function runAgent(ground: Ground, agent: Agent): void {
  const { flags, parts, log } = ground;
  parts.defer(async () => {
    if (!flags.stopPods) return;
    log.info("Stopping the pods");
    await agent.stopAll(AbortSignal.timeout(STOP_PODS_MS));
  });
  keepRunning(ground, "the agent", (signal) => agent.run(signal));
}

function startProxy(ground: Ground, { client }: ControlPlane, proxy: Proxy): void {
  const { flags: { gatewayAddress }, clock, log, parts } = ground;
  proxy.start();
  parts.defer(() => proxy.stop(DRAIN_MS));
  keepRunning(ground, "the route table", (signal) =>
    runProxy({
      ...{ view: client, proxy, clock, log, signal, gatewayAddress },
      nodePortAddress: gatewayAddress,
      listensOnClusterIPs: true,
    }));
}

/** Wildcard addresses are nobody's name. */
function isCertifiable(name: string): boolean {
  return name !== "0.0.0.0" && name !== "::";
}
