import assert from "node:assert/strict";
import { type Node, nodes } from "../../core/resources/core/nodes/nodes.ts";
import { type AgentOptions, nodeKubeconfig } from "../e2e/agent_process.ts";
import { PodmanCluster } from "../e2e/podman_cluster.ts";
import type { Fixture } from "../e2e/steps.ts";
import { twoMachinesMissing } from "../e2e/two_machines.ts";
import { freePort } from "../e2e/web_app.ts";
import { eventually } from "../eventually.ts";
import { type Inventory, inventory, leftoversSince } from "../leftovers.ts";
import { Internet } from "./internet.ts";
import { coracle, SERVER_NAME, Site } from "./site.ts";

/** The server's node. */
export const HERE = "here";

interface Parts {
  before: Inventory;
  internet: Internet;
  cluster: PodmanCluster;
  a: Site;
  b: Site;
}

export interface LabOptions {
  /** A different one for each lab that runs at once on this machine; tests have their own. */
  subnet: number;
  /** More flags of the server. */
  args?: readonly string[];
}

/**
 * A server with a node of its own, and two sites, `site-a` and `site-b`, each behind a router that masquerades and lets
 * nothing in: three network namespaces and two routers', three Podmans. Both sites have the same private range.
 */
export class SitesLab implements Fixture {
  readonly internet: Internet;
  readonly cluster: PodmanCluster;
  readonly a: Site;
  readonly b: Site;
  readonly #before: Inventory;

  private constructor({ before, internet, cluster, a, b }: Parts) {
    this.#before = before;
    this.internet = internet;
    this.cluster = cluster;
    this.a = a;
    this.b = b;
  }

  /** The server runs; the sites' machines do, without agents. */
  static async start({ subnet, args = [] }: LabOptions): Promise<SitesLab> {
    const before = await inventory([]);
    await using undo = new AsyncDisposableStack();
    const internet = await Internet.start(subnet);
    undo.defer(() => internet.end());
    const listen = ["--listen", `${internet.serverIP}:${freePort()}`, "--node", HERE];
    const advertise = ["--advertise", SERVER_NAME];
    const cluster = await PodmanCluster.start({ subnet, args: [...listen, ...advertise, ...args] });
    undo.defer(() => cluster.end());
    const a = await Site.start({ internet, number: 0, node: "site-a" });
    undo.defer(async () => void await a.end());
    const b = await Site.start({ internet, number: 1, node: "site-b" });
    undo.move();
    return new SitesLab({ before, internet, cluster, a, b });
  }

  get sites(): readonly Site[] {
    return [this.a, this.b];
  }

  get log(): string {
    const logs = this.sites.map((site) => `${site.node}:\n${site.log}`);
    return `server:\n${this.cluster.log}\n${logs.join("\n")}`;
  }

  /** Starts the agent of a site with credentials that an administrator made for its node. */
  async startAgent(site: Site): Promise<void> {
    const { server } = this.cluster;
    await site.startAgent([
      ...["--server", server.address, "--kubeconfig", await nodeKubeconfig(server, site.node)],
      ...["--node", site.node],
      ...this.ranges,
    ]);
    await site.importImage();
  }

  /** Makes a site's machine a node as a user does: by the command that a new token comes with, literally. */
  async join(site: Site): Promise<void> {
    const { kubeconfig } = this.cluster.server;
    const command = await coracle(
      "token",
      "create",
      "--node",
      site.node,
      "--kubeconfig",
      kubeconfig,
    );
    const words = command.trim().split(" ");
    assert.equal(words.shift(), "coracle", command);
    await site.coracle(...words, "--node", site.node, "--data", site.folder);
  }

  /** Starts the agent of a site whose machine has joined. */
  async startJoined(site: Site, options?: AgentOptions): Promise<void> {
    await site.startAgent(this.ranges, options);
    await site.importImage();
  }

  /** What an agent must be told of the cluster. */
  get ranges(): string[] {
    return ["--service-cidr", `10.197.${this.cluster.server.options.subnet}.0/24`];
  }

  async node(site: Site): Promise<Node> {
    return (await this.cluster.get<Node>(`/api/v1/${nodes.plural}/${site.node}`))!;
  }

  async nodeIs(site: Site, wanted: "True" | "Unknown", waitMs?: number): Promise<Node> {
    return await eventually(`node ${site.node} is Ready: ${wanted}`, async () => {
      const node = await this.node(site);
      const ready = node.status.conditions?.find(({ type }) => type === "Ready");
      return ready?.status === wanted && node;
    }, waitMs);
  }

  async end(): Promise<void> {
    const ended: { code: number; marks: string[] }[] = [];
    {
      await using all = new AsyncDisposableStack(); // one that cannot be ended keeps no other from it
      all.defer(() => this.internet.end());
      all.defer(() => this.cluster.end());
      for (const site of this.sites) all.defer(async () => void ended.push(await site.end()));
    }
    const marks = [...this.internet.marks, ...ended.flatMap(({ marks }) => marks)];
    assert.deepEqual(await leftoversSince(this.#before, marks), []);
    assert.deepEqual(ended.map(({ code }) => code), [0, 0], this.log);
  }
}

/** What this machine lacks to run a lab, and how to get it. */
export function labMissing(): string | undefined {
  return twoMachinesMissing();
}
