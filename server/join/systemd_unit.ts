import { JoinError } from "../../core/client/joining/join_error.ts";
import { writePrivate } from "./identity.ts";

export const UNIT_NAME = "coracle-agent.service";
export const UNIT_FOLDER = "/etc/systemd/system";

/**
 * The unit that runs the agent of a node from the start of its machine on. Its end leaves the pods alone; it waits for no
 * network, because a site without one starts all the same. `command`: program and arguments.
 */
export function unitText(node: string, command: readonly string[]): string {
  return `# Written by coracle join --install.
[Unit]
Description=Coracle agent of node ${node}
After=network.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${command.map(quoted).join(" ")}
Restart=always
RestartSec=2
# Pods run on while the agent does not, and are its to stop.
KillMode=process
Delegate=yes
TasksMax=infinity
LimitNOFILE=1048576
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}

/** As systemd reads command lines: systemd.service(5), "Command lines". */
function quoted(word: string): string {
  const escaped = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[\w@%+=:,./$-]+$/.test(escaped)) return escaped;
  return `"${escaped.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

export interface Installation {
  node: string;
  command: readonly string[];
  folder: string;
  /** Runs a program; its exit code and what it printed as errors. Rejects when there is none. */
  run(program: string, args: readonly string[]): Promise<{ code: number; stderr: string }>;
}

/**
 * Writes the unit, enables it and starts it; where no systemd runs, as in an image that is being made, it is only enabled.
 * Doing it twice starts the agent anew. Throws a {@linkcode JoinError} that says what to do.
 */
export async function installUnit({ node, command, folder, run }: Installation): Promise<void> {
  const path = `${folder}/${UNIT_NAME}`;
  try {
    await writePrivate(path, unitText(node, command), { mode: 0o644 });
  } catch (error) {
    throw new JoinError(
      `Cannot install the agent: "${path}" cannot be written: ${(error as Error).message}; ` +
        "run the command as root, where systemd is",
    );
  }
  for (const args of [["daemon-reload"], ["enable", UNIT_NAME], ["restart", UNIT_NAME]]) {
    const { code, stderr } = await run("systemctl", args).catch((error) => ({
      code: 1,
      stderr: (error as Error).message,
    }));
    if (code === 0 || (args[0] !== "enable" && /not been booted with systemd/.test(stderr))) {
      continue;
    }
    throw new JoinError(
      `This machine has joined as node "${node}", and "${path}" is written, but "systemctl ${
        args.join(" ")
      }" has ` +
        `failed: ${stderr.trim()}; mend that, then run "systemctl enable --now ${UNIT_NAME}"`,
    );
  }
}
