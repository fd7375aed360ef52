import type { Clock } from "../../../core/lib/clock.ts";
import { messageOf } from "../../../core/lib/error_message.ts";
import { TunDevice } from "../../../core/lib/linux/tun/tun_device.ts";
import type { Log } from "../../../core/lib/log.ts";
import type { NotRouted } from "../plumbing.ts";

/** Packets that are read before others get their turn. */
const PACKETS_AT_ONCE = 32;

export interface PacketLinkOptions {
  /** Name of the device. */
  device: string;
  /**
   * Makes the routes to these ranges by the device, and no others by it. Resolves with those to which that is not possible;
   * rejects when it is possible to none.
   */
  route(ranges: readonly string[]): Promise<NotRouted>;
  clock: Clock;
  log: Log;
}

/**
 * A device by which packets to pods of far nodes leave the kernel, and packets from there get in: every protocol, with the
 * addresses of the pods at both ends. It is there while there is somebody far, and a way to them.
 */
export class PacketLink {
  readonly #options: PacketLinkOptions;
  #device: TunDevice | undefined;
  #reading: Promise<void> | undefined;
  #send: ((packet: Uint8Array) => void) | undefined;
  #ranges: readonly string[] = [];
  #problem: string | undefined;
  #notRouted: NotRouted = new Map();
  /** One change at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: PacketLinkOptions) {
    this.#options = options;
  }

  /** The ranges of far pods that packets go to now. */
  get ranges(): readonly string[] {
    return this.#device === undefined ? [] : this.#ranges;
  }

  /** Which ranges are far, and who takes packets to there; `undefined`: nobody. Resolves when the kernel follows. */
  use(ranges: readonly string[], send: ((packet: Uint8Array) => void) | undefined): Promise<void> {
    this.#send = send;
    const wanted = send === undefined ? [] : ranges;
    const done = this.#last.then(() => this.#use(wanted));
    this.#last = done;
    return done;
  }

  /** Hands a packet from far away to the kernel. */
  receive(packet: Uint8Array<ArrayBuffer>): void {
    this.#device?.write(packet);
  }

  close(): Promise<void> {
    return this.use([], undefined);
  }

  async #use(wanted: readonly string[]): Promise<void> {
    if (wanted.length === 0) return await this.#takeDown();
    if (this.#device !== undefined && isSame(wanted, this.#ranges)) return;
    try {
      this.#device ??= this.#open();
      if (this.#device === undefined) return;
      const notRouted = await this.#options.route(wanted);
      this.#ranges = wanted.filter((range) => !notRouted.has(range));
      this.#reportRanges(notRouted);
      if (this.#ranges.length === 0) return await this.#takeDown();
      this.#problem = undefined;
    } catch (error) {
      await this.#takeDown();
      this.#report(messageOf(error)); // as a small kernel has it, or a machine that allows less
    }
  }

  #open(): TunDevice | undefined {
    const device = TunDevice.open(this.#options.device);
    if (device !== undefined) this.#reading = this.#read(device);
    return device;
  }

  async #takeDown(): Promise<void> {
    const device = this.#device;
    this.#device = undefined;
    this.#ranges = [];
    if (device === undefined) return;
    device.end();
    await this.#reading;
    device.close();
  }

  async #read(device: TunDevice): Promise<void> {
    const { clock } = this.#options;
    while (this.#device === undefined || this.#device === device) {
      await device.wait();
      if (this.#device !== device) return;
      for (let count = 0;; count++) {
        const packet = device.read();
        if (packet === undefined) break;
        this.#send?.(packet);
        if (count === PACKETS_AT_ONCE) {
          count = 0;
          await clock.sleep(0);
        }
      }
    }
  }

  #reportRanges(notRouted: NotRouted): void {
    for (const [range, problem] of notRouted) {
      if (this.#notRouted.get(range) === problem) continue;
      this.#options.log.warn(
        "Pods of a far node are reached through Services only, not by their own addresses: their range is led elsewhere",
        { range, problem },
      );
    }
    this.#notRouted = notRouted;
  }

  #report(problem: string): void {
    const { log } = this.#options;
    if (problem === this.#problem) return;
    this.#problem = problem;
    log.warn(
      "Pods reach pods of far nodes through Services only, not by their own addresses: packets cannot be carried here",
      { problem },
    );
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((range) => other.includes(range));
}
