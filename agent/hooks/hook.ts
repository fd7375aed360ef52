import { abortWith, ENDED } from "../../core/lib/abort.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { messageOf } from "../../core/lib/error_message.ts";
import type { LifecycleHandler } from "../../core/resources/core/pods/spec/probes.ts";
import type { ContainerPort } from "../../core/resources/core/pods/spec/containers.ts";
import { dialErrorText } from "../probes/dialing.ts";
import { type HttpGet, sendGet, urlOf } from "../probes/http_get.ts";
import type { ContainerRuntime } from "../runtimes/container_runtime.ts";

const USER_AGENT = "kube-lifecycle/1.34";
/** What is kept of what a command says. */
const OUTPUT_BYTES_MAX = 10 * 1024;
/** As Go's client, which the kubelet uses for hooks. */
const REDIRECTS_MAX = 10;
const ONLY_OUTPUT = { stdin: false, stdout: true, stderr: true, tty: false };

/** Of which container a hook is. */
export interface HookTarget {
  /** Name of the container, and of its pod as the kubelet writes it: `web_default(uid)`. */
  container: string;
  podText: string;
  podIP: string;
  containerId: string;
  ports: readonly ContainerPort[];
  runtime: Pick<ContainerRuntime, "openExec">;
  clock: Pick<Clock, "after" | "sleep">;
}

/** A hook has failed; the message is for people. */
export class HookError extends Error {
  override name = "HookError";
}

/**
 * Does what a hook says, once: for as long as it takes, or until the signal aborts. Rejects with a {@linkcode HookError}, in
 * the kubelet's words (`pkg/kubelet/lifecycle/handlers.go`). An answer by HTTP is good, whatever its status.
 *
 * https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
 */
export async function runHook(
  { exec, httpGet, sleep }: LifecycleHandler,
  target: HookTarget,
  signal: AbortSignal,
): Promise<void> {
  const of = `for Container "${target.container}" in Pod "${target.podText}" failed - error:`;
  if (exec) {
    const { command = [] } = exec;
    return await runCommand(
      command,
      `Exec lifecycle hook ([${command.join(" ")}]) ${of}`,
      target,
      signal,
    );
  }
  if (httpGet) {
    return await request(httpGet, target, signal).catch((error) => {
      throw new HookError(`HTTP lifecycle hook (${httpGet.path}) ${of} ${messageOf(error)}`);
    });
  }
  if (sleep) {
    return await target.clock.sleep(sleep.seconds * 1_000, signal).catch(() => {
      const what = "container terminated before sleep hook finished";
      throw new HookError(`Sleep lifecycle hook (${sleep.seconds}) ${of} ${what}`);
    });
  }
  throw new HookError(
    "Cannot run handler: invalid handler: only exec, httpGet and sleep can be run",
  );
}

async function runCommand(
  command: readonly string[],
  beginning: string,
  { runtime, containerId }: HookTarget,
  signal: AbortSignal,
): Promise<void> {
  const output = new OutputText();
  let failure: string | undefined;
  try {
    const session = await runtime.openExec(containerId, command, ONLY_OUTPUT);
    const closing = new AbortController();
    const release = abortWith(closing, signal);
    closing.signal.addEventListener("abort", () => session.close());
    try {
      for await (const { bytes, stream } of session.output) output.add(bytes, stream);
      signal.throwIfAborted();
      const code = await session.exitCode();
      if (code !== 0) {
        failure = `command '${command.join(" ")}' exited with ${code}: ${output.errors}`;
      }
    } finally {
      release();
      session.close();
    }
  } catch (error) {
    failure = signal.aborted ? "context canceled" : messageOf(error);
  }
  if (failure === undefined) return;
  throw new HookError(`${beginning} ${failure}, message: ${JSON.stringify(output.text)}`);
}

/** What a command has said, its beginning. */
class OutputText {
  text = "";
  errors = "";
  readonly #decoder = new TextDecoder();

  add(bytes: Uint8Array, stream: "stdout" | "stderr"): void {
    const more = this.#decoder.decode(bytes).slice(0, OUTPUT_BYTES_MAX - this.text.length);
    this.text += more;
    if (stream === "stderr") this.errors += more;
  }
}

async function request(action: HttpGet, target: HookTarget, signal: AbortSignal): Promise<void> {
  let url = urlOf(action, target);
  const limits = { clock: target.clock, timeoutMs: Infinity, signal };
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    try {
      const { status, location } = await sendGet(url, action, USER_AGENT, limits);
      if (status < 300 || status >= 400 || location === undefined) return;
      url = new URL(location, url);
    } catch (error) {
      const cause = error instanceof Error ? error : ENDED;
      const text = signal.aborted ? "context canceled" : dialErrorText(cause, url);
      throw new HookError(`Get "${url.href}": ${text}`);
    }
  }
  throw new HookError(`Get "${url.href}": stopped after ${REDIRECTS_MAX} redirects`);
}
