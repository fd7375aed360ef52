import assert from "node:assert/strict";
import { SystemClock } from "../../core/lib/clock.ts";
import { Libc } from "../../core/lib/linux/libc.ts";
import { programPath } from "../../core/lib/linux/program.ts";
import { silentLog } from "../../core/lib/log.ts";
import { IpPlumbing } from "./ip_plumbing.ts";
import { NetlinkPlumbing } from "./netlink_plumbing.ts";
import { NetnsNetwork } from "./netns_network.ts";
import type { Plumbing } from "./plumbing.ts";

export const log = silentLog(new SystemClock());
const ipProgram = programPath("ip");

export const isPossible = Deno.uid() === 0 && ipProgram !== undefined &&
  programPath("nft") !== undefined && isNamespaceAllowed();
/** What the name of a test that is left out says. */
export const hint = isPossible ? "" : " (needs root and: apt-get install iproute2 nftables)";

/** Both ways to change the kernel's network. */
export const VARIANTS: readonly (readonly [name: string, open: () => Plumbing])[] = [
  ["netlink", () => new NetlinkPlumbing(Libc.open()!)],
  ["ip", () => new IpPlumbing(ipProgram!)],
];

/** What the network of a test is called, and its addresses: of its own for each file, which may run at once. */
export interface Place {
  device: string;
  podCIDR: string;
  serviceCIDR: string;
}

/** Runs `act` with a network, and takes it away. Fails when a namespace of it is left. */
export async function withNetwork(
  place: Place,
  open: () => Plumbing,
  act: (network: NetnsNetwork) => Promise<void>,
): Promise<void> {
  const network = networkOf(place, open());
  try {
    await network.start();
    await act(network);
  } finally {
    await network.destroy();
    network.close();
  }
  const left = await Array.fromAsync(Deno.readDir("/run/netns"));
  assert.deepEqual(left.filter((entry) => entry.name.startsWith(`${place.device}-`)), []);
}

export function networkOf(place: Place, plumbing: Plumbing): NetnsNetwork {
  return new NetnsNetwork({ ...place, plumbing, log });
}

export async function answers(namespacePath: string, ip: string): Promise<void> {
  assert.ok(await ping(namespacePath, ip, 5), `${ip} does not answer in "${namespacePath}"`);
}

export async function refuses(namespacePath: string, ip: string, what: string): Promise<void> {
  assert.ok(!await ping(namespacePath, ip, 1), `${what} answers`);
}

/** Runs a program; its output. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.ok(success, `"${program} ${args.join(" ")}" failed: ${text(stderr)}`);
  return text(stdout);
}

/** One echo request by a program that is everywhere: busybox, or the system's own ping. */
async function ping(namespacePath: string, ip: string, waitSeconds: number): Promise<boolean> {
  const busybox = programPath("busybox");
  const command = busybox === undefined ? ["ping"] : [busybox, "ping"];
  const { success } = await new Deno.Command("nsenter", {
    args: [`--net=${namespacePath}`, ...command, "-c", "1", "-W", String(waitSeconds), ip],
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

function isNamespaceAllowed(): boolean {
  return new Deno.Command("unshare", { args: ["--net", "true"], stderr: "null" }).outputSync()
    .success;
}
