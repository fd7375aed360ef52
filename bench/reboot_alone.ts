import { importBusybox } from "../agent/runtimes/podman/busybox_image.ts";
import { PodmanClient } from "../agent/runtimes/podman/podman_client.ts";
import { ownSocketPath } from "../agent/runtimes/podman/podman_service.ts";
import { SystemClock } from "../core/lib/clock.ts";
import type { Pod } from "../core/resources/core/pods/pods.ts";
import { AgentProcess, nodeKubeconfig } from "../tests/e2e/agent_process.ts";
import { SecondMachine } from "../tests/e2e/second_machine.ts";
import { freePort } from "../tests/e2e/web_app.ts";
import { ServerProcess } from "../tests/server_process.ts";
import { eventually } from "../tests/eventually.ts";
import type { Bench, Measurement, Report } from "./harness.ts";
import { processesNaming } from "./processes.ts";
import { PlainPodman } from "./reboot/plain_podman.ts";
import { Prober } from "./reboot/prober.ts";
import { IMAGE, IMAGE_PORT, needsPodman, temporaryFolder } from "./server.ts";
import { quantile, ratios, spread } from "./statistics.ts";

const ROUNDS = 7;
const PODS = 10;
const NODE = "edge";
const SUBNET = 196;

/** From the start of the agent on a machine that has just booted without its uplink until ten pods answer. */
export const rebootAlone: Measurement = {
  name: "reboot-alone",
  title: "A node boots without its server until its ten pods answer, on Podman",
  needs: [...needsPodman.needs, { program: "nsenter", package: "util-linux" }],
  needsRoot: true,
  async run(bench) {
    const site = await Site.start(bench);
    const plain = await PlainPodman.create(bench, { machine: site.machine, count: PODS });
    const rounds = bench.rounds(ROUNDS);
    await site.rebooted(() => plain.startAll());
    await site.startAlone();
    const samples = await bench.interleave(rounds, {
      plain: () => site.rebooted(() => plain.startAll()),
      agent: () => site.startAlone(),
    });
    return reportOf(samples["plain"]!, samples["agent"]!, rounds);
  },
};

function reportOf(plain: number[], agent: number[], rounds: number): Report {
  const row = (name: string, values: number[]) => [
    name,
    spread(values),
    quantile(values, 0.95).toFixed(0),
    values === plain ? "1" : spread(ratios(values, plain), 2),
  ];
  return {
    columns: ["", "ms", "p95", "× podman start --all, by round"],
    rows: [
      row("podman start --all → ten containers answer", plain),
      row("coracle agent without a server → ten pods answer", agent),
    ],
    notes: [
      `Median of ${rounds} (range), each after a reboot of a machine of its own namespaces: all killed, /run empty.`,
      "To hold: 2,500 ms, and 1.0.",
    ],
  };
}

/** A machine with an agent and its pods, whose server is gone. */
class Site {
  readonly machine: SecondMachine;
  readonly #args: readonly string[];
  readonly #addresses: readonly string[];

  private constructor(
    machine: SecondMachine,
    args: readonly string[],
    addresses: readonly string[],
  ) {
    this.machine = machine;
    this.#args = args;
    this.#addresses = addresses;
  }

  static async start(bench: Bench): Promise<Site> {
    const machine = await SecondMachine.start(SUBNET);
    bench.defer(() => machine.halt());
    const server = await ServerProcess.start({
      runtime: "process",
      subnet: SUBNET,
      args: ["--listen", `${machine.hostIP}:${freePort()}`, "--node", "here", "--temporary"],
    });
    bench.defer(async () => void await server.stop());
    const folder = await temporaryFolder(bench);
    bench.own(() => [...processesNaming(folder), ...processesNaming(server.dataFolder)]);
    await Deno.mkdir(`${folder}/podman`);
    const args = [
      ...["--server", server.address, "--kubeconfig", await nodeKubeconfig(server, NODE)],
      ...["--node", NODE, "--data", folder, "--runtime", "podman"],
      ...["--service-cidr", `10.197.${SUBNET}.0/24`, "--gateway-address", machine.ip],
    ];
    const agent = await AgentProcess.start(machine, args);
    const socketPath = machine.folder(ownSocketPath(`${folder}/podman`));
    const podman = new PodmanClient({ socketPath, clock: new SystemClock() });
    await importBusybox(podman, IMAGE, [
      `ENTRYPOINT ["httpd", "-f", "-p", "${IMAGE_PORT}", "-h", "/etc"]`,
      "STOPSIGNAL SIGKILL",
    ]);
    podman.close();
    for (let number = 0; number < PODS; number++) await create(server, `web-${number}`);
    const addresses = await readyAddresses(server);
    await agent.stop();
    await machine.halt();
    return new Site(machine, args, addresses);
  }

  /** Milliseconds until all pods answer. */
  async startAlone(): Promise<number> {
    return await this.rebooted(async () => {
      const prober = await Prober.start(this.machine, this.#addresses);
      const child = this.machine.spawn(Deno.execPath(), [
        "run",
        "-A",
        MAIN,
        "agent",
        ...this.#args,
      ]);
      void child.stdout.pipeTo(new WritableStream()).catch(() => {});
      const log = new Response(child.stderr).text();
      try {
        return await prober.untilAllAnswer();
      } catch (error) {
        await this.machine.halt();
        throw new Error(`The agent without its server:\n${await log}`, { cause: error });
      }
    });
  }

  /** Boots the machine without its uplink, and switches it off afterwards. */
  async rebooted<T>(act: () => Promise<T>): Promise<T> {
    await this.machine.boot();
    await this.machine.cut();
    try {
      return await act();
    } finally {
      await this.machine.halt();
    }
  }
}

const MAIN = new URL("../main.ts", import.meta.url).pathname;
const API = "/api/v1/namespaces/default/pods";

async function create(server: ServerProcess, name: string): Promise<void> {
  const metadata = { name };
  const spec = {
    nodeName: NODE,
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "web", image: IMAGE, imagePullPolicy: "IfNotPresent" }],
  };
  const answer = await server.create(API, { metadata, spec });
  if (answer.status !== 201) throw new Error(await answer.text());
}

async function readyAddresses(server: ServerProcess): Promise<string[]> {
  return await eventually("all pods are ready", async () => {
    const { items } = await (await server.fetch(API)).json() as { items: Pod[] };
    const ready = items.filter(({ status }) =>
      status.conditions?.some(({ type, status }) => type === "Ready" && status === "True")
    );
    return ready.length === PODS && ready.map(({ status }) => `${status.podIP}:${IMAGE_PORT}`);
  });
}
