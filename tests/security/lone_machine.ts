import { programPath } from "../../core/lib/linux/program.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { SecondMachine } from "../e2e/second_machine.ts";
import { freePort } from "../e2e/web_app.ts";
import { eventually } from "../eventually.ts";
import { rangesOf } from "../server_network.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const FRAMES = new URL("./raw_frames.ts", import.meta.url).pathname;

/** What this machine lacks, and how to install it. */
export function loneMachineMissing(): string | undefined {
  if (Deno.uid() !== 0) return "needs root";
  const packages = { ip: "iproute2", nft: "nftables", nsenter: "util-linux", busybox: "busybox" };
  for (const [program, name] of Object.entries(packages)) {
    if (programPath(program) === undefined) return `${program} is missing: apt-get install ${name}`;
  }
  return undefined;
}

/**
 * A server with plain processes in a network namespace of its own. This machine is its neighbour on the link, with a
 * route to its pods and services.
 */
export class LoneMachine {
  readonly machine: SecondMachine;
  readonly #folder: string;
  readonly #subnet: number;
  readonly #port = freePort();
  readonly #log: string[] = [];
  #server: Deno.ChildProcess | undefined;

  private constructor(machine: SecondMachine, folder: string, subnet: number) {
    this.machine = machine;
    this.#folder = folder;
    this.#subnet = subnet;
  }

  static async start(subnet: number): Promise<LoneMachine> {
    const machine = await SecondMachine.start(subnet);
    const folder = await Deno.makeTempDir({ prefix: "coracle-security-" });
    const lone = new LoneMachine(machine, folder, subnet);
    try {
      await lone.boot();
      return lone;
    } catch (error) {
      await lone.end();
      throw new Error(`${error}\n${lone.log}`);
    }
  }

  get log(): string {
    return this.#log.join("");
  }

  get apiPort(): number {
    return this.#port;
  }

  get kubernetesIP(): string {
    return rangesOf(this.#subnet).serviceCIDR.replace(/0\/24$/, "1");
  }

  /** Starts the server, and resolves when it is ready. */
  async boot(): Promise<void> {
    const { podCIDR, serviceCIDR } = rangesOf(this.#subnet);
    const server = this.machine.spawn(Deno.execPath(), [
      "run",
      "-A",
      MAIN,
      "server",
      "--data",
      this.#folder,
      "--runtime",
      "process",
      "--listen",
      `${this.machine.ip}:${this.#port}`,
      "--node",
      "lone",
      "--pod-cidr",
      podCIDR,
      "--service-cidr",
      serviceCIDR,
      "--stop-pods",
    ]);
    this.#server = server;
    const ready = Promise.withResolvers<boolean>();
    for (const stream of [server.stdout, server.stderr]) {
      void this.#collect(stream, (text) => {
        if (text.includes("is ready at")) ready.resolve(true);
      });
    }
    void server.status.then(() => ready.resolve(false));
    if (!await ready.promise) throw new Error("The server did not become ready");
  }

  /** `kill -9`: whatever it has created stays. */
  async kill(): Promise<void> {
    await this.machine.run("sh", "-c", "kill -9 $(pidof -s deno)");
    await this.#server!.status;
  }

  async api<T>(path: string, object?: object): Promise<T> {
    const ca = await Deno.readTextFile(`${this.#folder}/ca.crt`);
    const token = (await Deno.readTextFile(`${this.#folder}/admin.token`)).trim();
    using client = Deno.createHttpClient({ caCerts: [ca] });
    const answer = await fetch(`https://${this.machine.ip}:${this.#port}${path}`, {
      client,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(object && { method: "POST", body: JSON.stringify(object) }),
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(body)}`);
    return body;
  }

  /** The pod, as soon as the condition holds. */
  podWhen(name: string, isSo: (pod: Pod) => boolean): Promise<Pod> {
    return eventually(`pod ${name} is as it should be`, async () => {
      const pod = await this.api<Pod>(`/api/v1/namespaces/default/pods/${name}`);
      return isSo(pod) && pod;
    }, 30_000);
  }

  /** Runs a program in the network of a pod, as its containers do. */
  async inPod(pod: Pod, ...command: string[]): Promise<string> {
    const [path] = await this.namesOf(pod);
    return await this.machine.run("nsenter", `--net=/run/netns/${path}`, ...command);
  }

  /** Sends a frame of raw_frames.ts from a pod. */
  async sendRaw(pod: Pod, ...args: string[]): Promise<void> {
    await this.inPod(pod, Deno.execPath(), "run", "-A", "--no-check", FRAMES, ...args);
  }

  /** Names of the namespaces of a pod. */
  async namesOf(pod: Pod): Promise<string[]> {
    const names = await this.machine.run("ls", "/run/netns");
    return names.split("\n").filter((name) => name.endsWith(pod.metadata.uid));
  }

  async end(): Promise<void> {
    await this.machine.halt();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #collect(stream: ReadableStream<Uint8Array>, hear: (text: string) => void): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#log.push(text);
      hear(text);
    }
  }
}
