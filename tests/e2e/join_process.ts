import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { type Output, runProgram } from "../kubectl.ts";
import type { ServerProcess } from "../server_process.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** What a process has in its environment besides. */
export type Environment = Readonly<Record<string, string>>;

/** Runs a command as a user does. */
export function coracle(args: readonly string[], env: Environment = {}): Promise<Output> {
  return runProgram(Deno.execPath(), ["run", "-A", "--quiet", MAIN, ...args], { env });
}

/** The arguments of the command that `coracle token create` prints. */
export async function joinCommand(server: ServerProcess, ...flags: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await coracle(
    ["token", "create", "--kubeconfig", server.kubeconfig, ...flags],
  );
  assert.equal(code, 0, stderr);
  const [program, ...args] = stdout.trim().split(" ");
  assert.equal(program, "coracle");
  return args;
}

export interface RunningAgent {
  /** Ends it in order; the exit code. */
  stop(): Promise<number>;
  log(): string;
}

/** Runs the agent of plain processes on what a machine has got by joining. Resolves when it is ready. */
export async function joinedAgent(
  folder: string,
  { podCidr, env = {}, flags = [] }: {
    podCidr: string;
    env?: Environment;
    flags?: readonly string[];
  },
): Promise<RunningAgent> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", MAIN, "agent", "--data", folder, "--runtime", "process"],
      ...["--gateway-address", "127.0.0.1", "--pod-cidr", podCidr, "--stop-pods"],
      ...["--service-cidr", "10.96.0.0/16"], // of this machine the server has the cluster's
      ...flags,
    ],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const log: string[] = [];
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) log.push(text);
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  await eventually("the agent is ready", () => log.join("").includes("is ready"));
  const stop = async () => {
    child.kill("SIGTERM");
    await collected;
    return (await child.status).code;
  };
  return { stop, log: () => log.join("") };
}
