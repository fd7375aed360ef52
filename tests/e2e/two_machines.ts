import assert from "node:assert/strict";
import { importBusybox } from "../../agent/runtimes/podman/busybox_image.ts";
import { PodmanClient } from "../../agent/runtimes/podman/podman_client.ts";
import { ownSocketPath } from "../../agent/runtimes/podman/podman_service.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { programPath } from "../../core/lib/linux/program.ts";
import { type Node, nodes } from "../../core/resources/core/nodes/nodes.ts";
import { eventually } from "../eventually.ts";
import { type Inventory, inventory, leftoversSince } from "../leftovers.ts";
import { AgentProcess, nodeKubeconfig } from "./agent_process.ts";
import { forgetCgroups } from "./machine.ts";
import { IMAGE, PodmanCluster, podmanMissing } from "./podman_cluster.ts";
import { SecondMachine } from "./second_machine.ts";
import type { Fixture } from "./steps.ts";
import { freePort } from "./web_app.ts";

/** The node of the second machine. */
export const EDGE = "edge";
/** The node of the server. */
export const HERE = "here";

interface Parts {
  machine: SecondMachine;
  cluster: PodmanCluster;
  agent: AgentProcess;
  folder: string;
  /** Of the agent. */
  kubeconfig: string;
  before: Inventory;
}

/** A server with its node on one Podman, and an agent on a second machine with another Podman. */
export class TwoMachines implements Fixture {
  readonly machine: SecondMachine;
  readonly cluster: PodmanCluster;
  agent: AgentProcess;
  readonly #folder: string;
  readonly #parts: Omit<Parts, "agent" | "before">;
  readonly #before: Inventory;

  private constructor({ agent, before, ...parts }: Parts) {
    const { machine, cluster, folder } = parts;
    this.#parts = parts;
    this.machine = machine;
    this.cluster = cluster;
    this.agent = agent;
    this.#folder = folder;
    this.#before = before;
  }

  static async start(subnet: number): Promise<TwoMachines> {
    const before = await inventory([]);
    await using undo = new AsyncDisposableStack();
    const machine = await SecondMachine.start(subnet);
    undo.defer(() => machine.halt());
    const args = ["--listen", `${machine.hostIP}:${freePort()}`, "--node", HERE];
    const cluster = await PodmanCluster.start({ subnet, args });
    undo.defer(() => cluster.end());
    const folder = await Deno.makeTempDir({ prefix: "coracle-e2e-" });
    undo.defer(() => Deno.remove(folder, { recursive: true }));
    await Deno.mkdir(`${folder}/podman`); // its own storage, whatever Podman runs here
    const kubeconfig = await nodeKubeconfig(cluster.server, EDGE);
    const parts = { machine, cluster, folder, kubeconfig };
    const agent = await AgentProcess.start(machine, agentArgs(parts));
    undo.move();
    const both = new TwoMachines({ ...parts, agent, before });
    using podman = both.openPodman();
    await importBusybox(podman.client, IMAGE);
    return both;
  }

  /** Of the agent's data; it survives reboots. */
  get folder(): string {
    return this.#folder;
  }

  get log(): string {
    return `server:\n${this.cluster.log}\nagent:\n${this.agent.log}`;
  }

  /** Starts a new agent on the data of the previous one. */
  async startAgent(): Promise<void> {
    this.agent = await AgentProcess.start(this.machine, agentArgs(this.#parts));
  }

  /** Switches the machine off and on again: only the disk survives. */
  async reboot(): Promise<void> {
    const ids = await this.containerIds();
    await this.machine.halt();
    await forgetCgroups(ids);
    await this.machine.boot();
  }

  async node(): Promise<Node> {
    return (await this.cluster.get<Node>(`/api/v1/${nodes.plural}/${EDGE}`))!;
  }

  async nodeIs(wanted: "True" | "Unknown"): Promise<Node> {
    return await eventually(`the node is Ready: ${wanted}`, async () => {
      const node = await this.node();
      const ready = node.status.conditions?.find(({ type }) => type === "Ready");
      return ready?.status === wanted && node;
    });
  }

  /** The ids of the containers that run on the second machine, by its Podman, even without an agent. */
  async containerIds(): Promise<string[]> {
    using podman = this.openPodman();
    const list = await podman.client.json<{ Id: string }[]>("GET", "/containers/json");
    return list.map(({ Id }) => Id).sort();
  }

  /** The second machine's, from here. */
  openPodman(): { client: PodmanClient } & Disposable {
    const socketPath = this.machine.folder(ownSocketPath(`${this.#folder}/podman`));
    const client = new PodmanClient({ socketPath, clock: new SystemClock() });
    return { client, [Symbol.dispose]: () => client.close() };
  }

  async end(): Promise<void> {
    const ids = await this.containerIds().catch(() => []); // Podman itself may have failed
    await this.machine.mend().catch(() => {}); // it may be what has failed
    const code = await this.agent.stop();
    await this.machine.halt();
    await Deno.remove(this.#folder, { recursive: true });
    await this.cluster.end();
    const marks = [...this.machine.marks, ...ids, this.#folder];
    assert.deepEqual(await leftoversSince(this.#before, marks), []);
    assert.equal(code, 0, this.agent.log);
  }
}

function agentArgs(
  { machine, cluster, folder, kubeconfig }: Omit<Parts, "agent" | "before">,
): string[] {
  return [
    ...["--server", cluster.server.address, "--kubeconfig", kubeconfig],
    ...["--node", EDGE, "--data", folder, "--runtime", "podman"],
    ...["--service-cidr", `10.197.${cluster.server.options.subnet}.0/24`],
    ...["--gateway-address", machine.ip, "--stop-pods", "--temporary"],
  ];
}

export function twoMachinesMissing(): string | undefined {
  const packages = { ip: "iproute2", nsenter: "util-linux" };
  for (const [program, name] of Object.entries(packages)) {
    if (programPath(program) === undefined) return `${program} is missing: apt-get install ${name}`;
  }
  return podmanMissing();
}
