import { ifAbsent } from "../../../core/lib/absent.ts";
import { parseIdentity, type ProcessIdentity } from "../../../core/lib/linux/process_identity.ts";
import { RuntimeError } from "../container_runtime.ts";
import type { LogLimits } from "../log_limits.ts";
import { CLEAN_ENVIRONMENT } from "../../../core/lib/linux/program.ts";
import { LOG_PUMP } from "./log_pump.ts";

/** What one supervised start needs. */
export interface Launch {
  /** Says {@linkcode PLACED} once it is where it is to run. */
  command: readonly string[];
  /** Path of util-linux' `setsid`. */
  setsid: string;
  /** File with an `environmentScript`; read before the command is put into its place. */
  environmentPath: string;
  /** Receives boot id and `/proc/PID/stat` of the process before it becomes the command. */
  identityPath: string;
  /** Receives the exit code, after all processes of the group are gone. */
  exitPath: string;
  /** Both streams are appended to it, within {@linkcode logLimits}. */
  logPath: string;
  logLimits: LogLimits;
}

/**
 * What a command says when it is in its place: from then on another command may join it there. In a shell of its own,
 * which a reader that has gone may end.
 */
export const PLACED = "(echo placed >&3) || true; exec 3>&-";

/**
 * A shell of its own session, with a clean environment, that starts the command in another session, waits for it
 * and writes down how it ended: two processes that do not depend on the one that started them. It runs in the foreground of its shell,
 * because a shell without job control starts background commands with SIGINT and SIGQUIT ignored (POSIX, 2.11).
 */
const SUPERVISOR = `${LOG_PUMP}
exec 3>&1 4<"$4" </dev/null >/dev/null 2>&1
setsid=$0 identity=$1 exit=$2 log=$3 bytes=$5 files=$6 side=$1 ended=$1.ended; shift 6
: >>"$log"
{
  begin_output
  "$setsid" /bin/sh -c '
    read -r boot </proc/sys/kernel/random/boot_id; read -r stat </proc/$$/stat
    echo "$boot $stat" >"$1"; shift
    exec "$@"' container "$identity" "$@" 2>&1
  echo "$?" >"$ended"
  read -r boot child rest <"$identity"
  kill -s KILL -- "-$child"
  end_output
} | pump 3>&- 4<&-
read -r code <"$ended"
echo "$code" >"$exit"
`;

/**
 * Starts a command that outlives this process. Resolves when it is in its place, or has ended on the way there.
 * Rejects with a {@linkcode RuntimeError} when it could not be started.
 */
export async function launch(launch: Launch): Promise<ProcessIdentity> {
  const { setsid, identityPath, exitPath, logPath, logLimits, environmentPath, command } = launch;
  const { bytesMax, filesMax } = logLimits;
  const child = new Deno.Command(setsid, {
    args: ["--fork", "/bin/sh", "-c", SUPERVISOR, setsid, identityPath, exitPath, logPath]
      .concat(environmentPath, String(bytesMax), String(filesMax), command),
    env: CLEAN_ENVIRONMENT,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  await child.status;
  const identity = await identityAt(identityPath);
  if (identity === undefined) {
    throw new RuntimeError(
      "RunContainerError",
      `Cannot start "${command[0]}": its log file "${logPath}" cannot be written`,
    );
  }
  return identity;
}

async function identityAt(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return parseIdentity(await Deno.readTextFile(path));
  } catch (error) {
    return ifAbsent(error);
  }
}

/** Whether the supervisor of a process is still there to write down its end. */
export function isSupervised(identity: ProcessIdentity, identityPath: string): boolean {
  try {
    const commandLine = Deno.readTextFileSync(`/proc/${identity.parentPid}/cmdline`);
    return commandLine.split("\0").includes(identityPath);
  } catch {
    return false; // the process is gone
  }
}
