import type {
  ContainerSession,
  TerminalSize,
  WantedStreams,
} from "../../../core/client/container_session.ts";
import { signal } from "../../../core/lib/linux/process_identity.ts";
import { BoundedOutput } from "../bounded_command.ts";
import type { ExecResult } from "../container_runtime.ts";
import { outputOf } from "./exec_stream.ts";
import type { PodmanClient } from "./podman_client.ts";
import { PodmanSession } from "./podman_session.ts";

/** How often Podman is asked for what it does not know yet: how a command ended, or that it runs. And how long in between. */
const TRIES = 40;
const RETRY_MS = 50;
/** How often is looked whether a command has ended whose output waits for its reader. */
const WATCH_MS = 1_000;

interface ExecInspection {
  ExitCode: number;
  Running: boolean;
}

/** Runs a command in a container, on a connection of its own. */
export async function openExec(
  client: PodmanClient,
  id: string,
  command: readonly string[],
  { stdin, stdout, stderr, tty }: WantedStreams,
): Promise<ContainerSession> {
  const { Id } = await client.json<{ Id: string }>("POST", `/containers/${id}/exec`, {
    body: {
      AttachStdin: stdin,
      AttachStdout: stdout || tty,
      AttachStderr: stderr,
      Tty: tty,
      Cmd: command,
      ...(tty && { Env: ["TERM=xterm"] }),
    },
  });
  const socket = await client.hijack("POST", `/exec/${Id}/start`, {
    body: { Detach: false, Tty: tty },
  });
  const end = new ExecEnd(client, Id);
  const session = new PodmanSession(socket, {
    isTerminal: tty,
    resize: (size) => resize(client, Id, size),
    exitCode: () => end.code(),
  });
  void end.watch(session);
  return session;
}

/**
 * How a command has ended. Podman forgets it after some seconds (`exit_command_delay`), when a slow reader may still have
 * output to take; so while one holds up the output, Podman is asked now and then.
 */
class ExecEnd {
  readonly #client: PodmanClient;
  readonly #id: string;
  #code: number | undefined;

  constructor(client: PodmanClient, id: string) {
    this.#client = client;
    this.#id = id;
  }

  async code(): Promise<number> {
    return this.#code ?? await exitCodeOf(this.#client, this.#id);
  }

  /** Until the session is over. Never rejects. */
  async watch(session: Pick<PodmanSession, "isHeldUp" | "isOver">): Promise<void> {
    try {
      while (this.#code === undefined && !session.isOver) {
        await this.#client.pause(WATCH_MS);
        if (session.isHeldUp) this.#code = await endedWith(this.#client, this.#id);
      }
    } catch {
      // Podman cannot be asked: whoever wants the exit code is told.
    }
  }
}

/** `undefined`: it runs. */
async function endedWith(client: PodmanClient, id: string): Promise<number | undefined> {
  const { ExitCode, Running } = await client.json<ExecInspection>("GET", `/exec/${id}/json`);
  return Running ? undefined : ExitCode;
}

/** Connects to the streams of a container, from now on. */
export async function attach(
  client: PodmanClient,
  id: string,
  { stdin, stdout, stderr, tty }: WantedStreams,
): Promise<ContainerSession> {
  const wanted = { stdin, stdout: stdout || tty, stderr };
  const streams = Object.entries(wanted).map(([name, isWanted]) => [name, String(isWanted)]);
  const socket = await client.hijack("POST", `/containers/${id}/attach`, {
    query: { stream: "true", logs: "false", ...Object.fromEntries(streams) },
  });
  return new PodmanSession(socket, {
    isTerminal: tty,
    resize: ({ columns, rows }) =>
      client.send("POST", `/containers/${id}/resize`, { query: { w: `${columns}`, h: `${rows}` } }),
    exitCode: () => Promise.resolve(0),
  });
}

/** The first size comes before the command runs. */
async function resize(
  client: PodmanClient,
  execId: string,
  { columns, rows }: TerminalSize,
): Promise<void> {
  const query = { w: String(columns), h: String(rows) };
  for (let tries = 1;; tries++) {
    try {
      return await client.send("POST", `/exec/${execId}/resize`, { query });
    } catch (error) {
      if (tries === TRIES || !/not running/.test(String(error))) throw error;
      await client.pause(RETRY_MS);
    }
  }
}

/** The connection may end before Podman has noted how the command ended. */
async function exitCodeOf(client: PodmanClient, execId: string): Promise<number> {
  for (let tries = 1;; tries++) {
    const { ExitCode, Running } = await client.json<ExecInspection>("GET", `/exec/${execId}/json`);
    if (!Running || tries === TRIES) return ExitCode;
    await client.pause(RETRY_MS);
  }
}

/** Runs a command to its end; when `late` aborts it is killed, and this rejects with the reason. */
export async function exec(
  client: PodmanClient,
  id: string,
  command: readonly string[],
  late: AbortSignal,
): Promise<ExecResult> {
  const { Id } = await client.json<{ Id: string }>("POST", `/containers/${id}/exec`, {
    body: { AttachStdout: true, AttachStderr: true, Cmd: command },
    signal: late,
  });
  const output = new BoundedOutput();
  try {
    const response = await client.request("POST", `/exec/${Id}/start`, {
      body: { Detach: false, Tty: false },
      deadlineMs: Infinity,
      signal: late,
    });
    for await (const { bytes } of outputOf(response.body!)) output.add(bytes);
  } catch (error) {
    if (late.aborted) await killExec(client, Id);
    throw late.aborted ? late.reason : error;
  }
  const { ExitCode } = await client.json<{ ExitCode: number }>("GET", `/exec/${Id}/json`);
  return { exitCode: ExitCode, output: output.text() };
}

/** The command goes on when nobody listens any more; Podman knows its process on this machine. */
async function killExec(client: PodmanClient, execId: string): Promise<void> {
  const { Pid, Running } = await client.json<{ Pid: number; Running: boolean }>(
    "GET",
    `/exec/${execId}/json`,
  );
  if (Running && Pid > 0) signal(Pid, "SIGKILL");
}
