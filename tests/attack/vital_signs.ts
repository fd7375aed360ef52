import assert from "node:assert/strict";
import { eventually, later } from "../eventually.ts";
import { newestKubectl } from "../kubectl.ts";
import type { ServerProcess } from "../server_process.ts";

export interface VitalSigns {
  /** Of the server's memory: at the start, and its maximum growth. */
  beforeBytes: number;
  growthBytes: number;
  /** Growth that remains some time after the end; absent when that was not awaited. */
  leftBytes?: number;
  /** The longest wait of an admin for a response: with kubectl where it is installed, and with a plain request. */
  kubectlMs: number;
  requestMs: number;
  /** How long the main threads of the server and of this process waited for a processor. */
  crowdedMs: { server: number; admin: number };
  /** Failed requests. */
  failures: readonly string[];
}

const GROWTH_BYTES_MAX = 150e6;
/** Growth that may remain: a heap never shrinks to the last byte. */
const LEFT_BYTES_MAX = 50e6;
/** V8 begins to collect what it does not need after 30 s without much to do. */
const RECOVERY_MS_MAX = 60_000;
const ADMIN_MS_MAX = 1_000;
const LOOK_EVERY_MS = 100;
const ASK_EVERY_MS = 250;
const KUBECTL_EVERY_MS = 750;
const NODES = "/api/v1/nodes";

/** Measures a server under attack: its memory from /proc, and the waiting time of an admin's requests. */
export class VitalSignsMeter {
  readonly #server: ServerProcess;
  readonly #beforeBytes: number;
  readonly #crowdedMs: VitalSigns["crowdedMs"];
  #mostBytes: number;
  #kubectlMs = 0;
  #requestMs = 0;
  readonly #failures: string[] = [];
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(server: ServerProcess) {
    this.#server = server;
    this.#crowdedMs = crowdedMs(server.pid);
    this.#beforeBytes = this.#mostBytes = residentBytes(server.pid);
  }

  /** Sends each request once before it starts, so that lazy initialization is not measured. */
  static async start(server: ServerProcess): Promise<VitalSignsMeter> {
    const kubectl = newestKubectl()?.path;
    if (kubectl) await server.kubectl(kubectl, ["get", "nodes"]);
    await server.fetch(NODES);
    const meter = new VitalSignsMeter(server);
    meter.#running = Promise.all([
      meter.#repeat(LOOK_EVERY_MS, () => meter.#look()),
      meter.#repeat(ASK_EVERY_MS, () => meter.#ask()),
      kubectl === undefined ? undefined : meter.#repeat(
        KUBECTL_EVERY_MS,
        () => meter.#askBy(kubectl),
      ),
    ]);
    return meter;
  }

  /** Must be called after the attack. `isHasty`: does not wait until the memory is given back. */
  async stop({ isHasty = false } = {}): Promise<VitalSigns> {
    this.#stop.abort();
    await this.#running;
    const { server, admin } = crowdedMs(this.#server.pid);
    const leftBytes = isHasty ? undefined : await this.#leftBytes();
    return {
      beforeBytes: this.#beforeBytes,
      growthBytes: this.#mostBytes - this.#beforeBytes,
      ...leftBytes !== undefined && { leftBytes },
      kubectlMs: this.#kubectlMs,
      requestMs: this.#requestMs,
      crowdedMs: {
        server: server - this.#crowdedMs.server,
        admin: admin - this.#crowdedMs.admin,
      },
      failures: this.#failures,
    };
  }

  /** The remaining growth, once it is small enough or the time is up. */
  async #leftBytes(): Promise<number> {
    const left = () => residentBytes(this.#server.pid) - this.#beforeBytes;
    await eventually("the memory comes back", () => left() <= LEFT_BYTES_MAX, RECOVERY_MS_MAX)
      .catch(() => {}); // the result shows it
    return left();
  }

  async #repeat(everyMs: number, act: () => Promise<void> | void): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await act();
      await later(everyMs);
    }
  }

  #look(): void {
    this.#mostBytes = Math.max(this.#mostBytes, residentBytes(this.#server.pid));
  }

  async #ask(): Promise<void> {
    const startMs = performance.now();
    try {
      const { status } = await this.#server.fetch(NODES);
      if (status !== 200) this.#failures.push(`GET ${NODES}: ${status}`);
    } catch (error) {
      this.#failures.push(`GET ${NODES}: ${error}`);
    }
    this.#requestMs = Math.max(this.#requestMs, performance.now() - startMs);
  }

  async #askBy(kubectl: string): Promise<void> {
    const startMs = performance.now();
    const { code, stderr } = await this.#server.kubectl(kubectl, ["get", "nodes"]);
    this.#kubectlMs = Math.max(this.#kubectlMs, performance.now() - startMs);
    if (code !== 0) this.#failures.push(`kubectl get nodes: ${stderr}`);
  }
}

/** From the second number of `/proc/PID/schedstat`. */
function crowdedMs(pid: number): VitalSigns["crowdedMs"] {
  const [server, admin] = [pid, "self"].map((each) => {
    const [, waitedNs] = textOf(`/proc/${each}/schedstat`).split(" ");
    return Math.round(Number(waitedNs ?? 0) / 1e6);
  });
  return { server: server!, admin: admin! };
}

/** Fails when the server was harmed. `told`: describes the attack. */
export function assertUnharmed(signs: VitalSigns, told: string): void {
  const all = `${JSON.stringify(signs)}\n${told}`;
  if (Deno.env.has("ATTACK_REPORT")) Deno.stderr.writeSync(new TextEncoder().encode(`${all}\n`));
  assert.deepEqual(signs.failures, [], all);
  assert.ok(signs.growthBytes <= GROWTH_BYTES_MAX, `The server took memory: ${all}`);
  assert.ok((signs.leftBytes ?? 0) <= LEFT_BYTES_MAX, `The server keeps memory: ${all}`);
  assert.ok(signs.kubectlMs <= ADMIN_MS_MAX, `An admin's kubectl waited: ${all}`);
  assert.ok(signs.requestMs <= ADMIN_MS_MAX, `An admin's request waited: ${all}`);
}

/** Resident memory of a process (`VmRSS` in proc(5)); 0 when it has ended. */
export function residentBytes(pid: number): number {
  const status = textOf(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // it has ended, or the kernel does not provide it
  }
}
