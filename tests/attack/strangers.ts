import type { ServerProcess } from "../server_process.ts";
import type { ActName, Target } from "./stranger_acts.ts";
import type { Plan, Tallies } from "./stranger_process.ts";

/** Fifty connections with every attack that needs no credentials, all at once. */
export const FIFTY: Readonly<Partial<Record<ActName, number>>> = {
  "endless body": 5,
  "endless body of an open path": 4,
  "endless chunks": 4,
  "unread answers": 5,
  "unread refusals": 4,
  "unread upgrades": 2,
  "held upgrade": 4,
  "flooded upgrade": 2,
  "dripped head": 3,
  "dripped body": 2,
  "idle": 2,
  "silent": 2,
  "half handshake": 3,
  "junk hello": 2,
  "gateway: idle": 1,
  "gateway: silent": 1,
  "gateway: unread answers": 2,
  "gateway: dripped head": 1,
  "gateway: endless body": 1,
};

/**
 * Lets strangers attack for so many seconds, or until the signal; returns the result. They are a process with the lowest
 * priority: real ones use no processors of this machine.
 */
export async function strangersAt(
  target: Target,
  { signal, ...given }: Omit<Plan, "target"> & { signal?: AbortSignal },
): Promise<Tallies> {
  const program = new URL("./stranger_process.ts", import.meta.url).pathname;
  const child = new Deno.Command("nice", {
    args: ["-n", "19", Deno.execPath(), "run", "-A", program],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
    ...signal && { signal },
  }).spawn();
  const plan: Plan = { target, ...given };
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(plan)));
  await writer.close();
  const { success, stdout } = await child.output();
  if (signal?.aborted) return {};
  if (!success) throw new Error("The strangers' process failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The server's addresses for strangers. */
export async function targetOf(server: ServerProcess, gatewayPort = 0): Promise<Target> {
  return {
    apiPort: Number(new URL(server.address).port),
    caPem: await Deno.readTextFile(`${server.dataFolder}/ca.crt`),
    gatewayPort,
  };
}

/** For failures and reports: the traffic of each kind of stranger. */
export function tallyLines(tallies: Tallies): string {
  return Object.entries(tallies).map(([name, { connections, sentBytes, receivedBytes }]) =>
    `${name}: ${connections} connections, ${mb(sentBytes)} sent, ${mb(receivedBytes)} received`
  ).join("\n");
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
