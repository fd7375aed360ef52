import type {
  ContainerSession,
  OutputPiece,
  TerminalSize,
  WantedStreams,
} from "../../../core/client/container_session.ts";
import { ENDED } from "../../../core/lib/abort.ts";
import { ifAbsent } from "../../../core/lib/absent.ts";
import type { ByteSink } from "../../../core/lib/byte_queue.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import { CLEAN_ENVIRONMENT, programPath } from "../../../core/lib/linux/program.ts";
import { RuntimeError } from "../container_runtime.ts";
import { quoted } from "./environment_script.ts";

/** What a session's command reads: the streams of the session, which its shells have left at descriptor 5. */
export const FROM_SESSION = "<&5 5<&-";
/** Moves the streams of the session away, since the last shell reads the environment from its input. */
const WITH_ENVIRONMENT = 'exec "$@" 5<&0 4<"$0"';

/** How often it is looked up which terminal a command has got, and how long in between. */
const TERMINAL_TRIES = 40;
const TERMINAL_RETRY_MS = 50;

interface ProcessSessionOptions {
  clock: Clock;
  /** Path of util-linux' `setsid`. */
  setsid: string;
  /** Finds its environment at descriptor 4 and its input at 5. */
  command: readonly string[];
  /** An `environmentScript` that ends in {@linkcode FROM_SESSION}. */
  environment: string;
  /** For the session's files, which are removed with it. */
  folder: string;
  wanted: WantedStreams;
}

/** Runs a command with its streams connected. Terminals come from util-linux' `script`. */
export async function openProcessSession(
  { setsid, command, environment, folder, wanted, clock }: ProcessSessionOptions,
): Promise<ContainerSession> {
  const own = await Deno.makeTempDir({ dir: folder, prefix: "session-" });
  const environmentPath = `${own}/environment`;
  await Deno.writeTextFile(environmentPath, environment, { mode: 0o600 });
  const inside = ["/bin/sh", "-c", WITH_ENVIRONMENT, environmentPath, ...command];
  const args = wanted.tty ? onTerminal(inside, `${own}/terminal`) : inside;
  try {
    const child = new Deno.Command(setsid, {
      args: [...args],
      env: { ...CLEAN_ENVIRONMENT, TERM: "xterm" },
      clearEnv: true,
      stdin: wanted.stdin ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new ProcessSession(child, own, { wanted, clock });
  } catch (error) {
    await Deno.remove(own, { recursive: true });
    throw error;
  }
}

/** Notes the name of the terminal, by which it is resized. */
function onTerminal(command: readonly string[], notePath: string): readonly string[] {
  const script = programPath("script");
  if (script === undefined) {
    throw new RuntimeError(
      "RunContainerError",
      'Cannot give the command a terminal: "script" is not installed; install util-linux',
    );
  }
  const line = `tty >${quoted(notePath)}; exec ${command.map(quoted).join(" ")}`;
  return [script, "-q", "-e", "-f", "-c", line, "/dev/null"];
}

class ProcessSession implements ContainerSession {
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  readonly #wanted: WantedStreams;
  readonly #clock: Clock;
  readonly #closed = Promise.withResolvers<void>();
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array> | undefined;
  readonly input: ByteSink;

  constructor(
    child: Deno.ChildProcess,
    folder: string,
    { wanted, clock }: { wanted: WantedStreams; clock: Clock },
  ) {
    this.#clock = clock;
    this.#child = child;
    this.#folder = folder;
    this.#wanted = wanted;
    this.#stdin = wanted.stdin ? child.stdin.getWriter() : undefined;
    this.#stdin?.closed.catch(() => {}); // the command reads no more
    this.input = {
      write: (bytes) => this.#stdin?.write(bytes) ?? Promise.reject(ENDED),
      end: async () => await this.#stdin?.close().catch(() => {}),
    };
    void child.status.then(() => Deno.remove(folder, { recursive: true })).catch(ifAbsent);
  }

  /** Both streams as they come; one reads on when the other has ended. */
  get output(): AsyncIterable<OutputPiece> {
    return merged(this.#child, this.#closed.promise);
  }

  async resize({ columns, rows }: TerminalSize): Promise<void> {
    if (!this.#wanted.tty) return;
    const name = await this.#terminal();
    if (name === undefined) return;
    const stty = programPath("stty");
    if (stty === undefined) return;
    const args = ["-F", name, "cols", String(columns), "rows", String(rows)];
    await new Deno.Command(stty, { args, stdin: "null", stdout: "null", stderr: "null" }).output();
  }

  /** The command notes it as soon as it has one; the first size comes before that. */
  async #terminal(): Promise<string | undefined> {
    const path = `${this.#folder}/terminal`;
    for (let tries = 1; tries <= TERMINAL_TRIES; tries++) {
      const name = (await Deno.readTextFile(path).catch(() => "")).trim();
      if (name.startsWith("/dev/pts/")) return name;
      await this.#clock.sleep(TERMINAL_RETRY_MS);
    }
    return undefined;
  }

  async exitCode(): Promise<number> {
    return (await this.#child.status).code;
  }

  close(): void {
    void this.input.end();
    this.#closed.resolve();
  }
}

/** Both streams, until they end or nobody wants them: then they are read on for nobody, since the command goes on. */
async function* merged(
  { stdout, stderr }: Deno.ChildProcess,
  closed: Promise<void>,
): AsyncGenerator<OutputPiece> {
  const readers = { stdout: stdout.getReader(), stderr: stderr.getReader() };
  const next = async (stream: OutputPiece["stream"]) =>
    ({ stream, ...await readers[stream].read() }) as const;
  const pending = new Map((["stdout", "stderr"] as const).map((each) => [each, next(each)]));
  try {
    while (pending.size > 0) {
      const found = await Promise.race([closed, ...pending.values()]);
      if (found === undefined) return;
      const { stream, done, value } = found;
      if (done) pending.delete(stream);
      else {
        pending.set(stream, next(stream));
        yield { stream, bytes: value };
      }
    }
  } finally {
    for (const reader of Object.values(readers)) void drain(reader);
  }
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}
