import { readMachine } from "../../agent/node/machine.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { Log } from "../../core/lib/log.ts";
import { asCommandError } from "../../server/command_error.ts";
import { prepareDataFolder } from "../../server/data_folder.ts";
import type { NodeIdentity } from "../../server/join/identity.ts";
import { joinCluster, type JoinOptions } from "../../server/join/join.ts";
import type { Terminal } from "../../server/terminal.ts";
import { proxiesOf } from "../../server/link/agent_link.ts";
import { VERSION } from "../../server/version.ts";

/** What `coracle join` is told. */
export interface JoinFlags extends Pick<JoinOptions, "server" | "token" | "caHashes" | "node"> {
  /** The data folder of the agent. */
  data: string;
}

/** Makes this machine a node. Throws a `CommandError` that says what to do. */
export async function joinMachine(
  { data, ...asked }: JoinFlags,
  terminal: Terminal,
): Promise<NodeIdentity> {
  const clock = new SystemClock();
  const sink = (line: string) => terminal.err(line + "\n");
  const log = new Log({ clock, level: "error", format: "text", sink });
  const dataFolder = await prepareDataFolder(data);
  const { info: machine } = await readMachine(dataFolder);
  const userAgent = `coracle-join/${VERSION}`;
  const options = { ...asked, userAgent, dataFolder, machine };
  return await joinCluster(options, {
    ...{ clock, log, signal: terminal.signal, proxies: proxiesOf(Deno.env) },
  }).catch(asCommandError);
}
