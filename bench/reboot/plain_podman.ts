import { ifAbsent } from "../../core/lib/absent.ts";
import { importBusybox } from "../../agent/runtimes/podman/busybox_image.ts";
import { startPodmanService } from "../../agent/runtimes/podman/podman_service.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import type { SecondMachine } from "../../tests/e2e/second_machine.ts";
import type { Bench } from "../harness.ts";
import { IMAGE, IMAGE_PORT, temporaryFolder } from "../server.ts";
import { Prober } from "./prober.ts";

/** The same on this machine, where its image is made, and on the other: Podman keeps to it. */
const RUN = `/run/coracle-bench-${Deno.pid}`;

/** Of Podman's default network, by CNI's plugin "host-local". */
const LEASES = "/var/lib/cni/networks/podman";

/** A Podman without Coracle, with containers that are started by hand after a boot. */
export class PlainPodman {
  readonly #machine: SecondMachine;
  readonly #folder: string;
  readonly #addresses: readonly string[];

  private constructor(machine: SecondMachine, folder: string, count: number) {
    this.#machine = machine;
    this.#folder = folder;
    this.#addresses = Array.from(
      { length: count },
      (_, number) => `${addressOf(number)}:${IMAGE_PORT}`,
    );
  }

  /** Makes `count` web servers, each with an address of its own, as pods have. */
  static async create(
    bench: Bench,
    { machine, count }: { machine: SecondMachine; count: number },
  ): Promise<PlainPodman> {
    const folder = await temporaryFolder(bench);
    const clock = new SystemClock();
    const service = await startPodmanService({
      ...{ folder, runFolder: RUN, clock, log: silentLog(clock) },
    });
    await importBusybox(service.client, IMAGE);
    await service.stop();
    await Deno.remove(RUN, { recursive: true }); // as a reboot does
    const plain = new PlainPodman(machine, folder, count);
    await machine.boot();
    for (let number = 0; number < count; number++) {
      const command = ["httpd", "-f", "-p", `${IMAGE_PORT}`, "-h", "/etc"];
      const ip = addressOf(number);
      await plain.#podman("create", "--ip", ip, "--name", `web-${number}`, IMAGE, ...command);
    }
    await machine.halt();
    bench.defer(() => plain.#forgetLeases());
    return plain;
  }

  /** Milliseconds until all answer. */
  async startAll(): Promise<number> {
    await this.#forgetLeases();
    const prober = await Prober.start(this.#machine, this.#addresses);
    const started = this.#podman("start", "--all");
    const tookMs = await prober.untilAllAnswer();
    await started;
    return tookMs;
  }

  /** Where addresses are noted outlives this kind of reboot, which is no reason to refuse them. */
  async #forgetLeases(): Promise<void> {
    for (const address of this.#addresses) {
      await Deno.remove(`${LEASES}/${address.split(":")[0]}`).catch(ifAbsent);
    }
  }

  async #podman(...args: string[]): Promise<void> {
    await this.#machine.run(
      ...["env", `CONTAINERS_CONF=${this.#folder}/containers.conf`, "podman"] as const,
      ...["--root", `${this.#folder}/storage`, "--runroot", `${RUN}/storage`],
      ...["--tmpdir", `${RUN}/state`, ...args],
    );
  }
}

/** In Podman's default network. */
function addressOf(number: number): string {
  return `10.88.0.${10 + number}`;
}
