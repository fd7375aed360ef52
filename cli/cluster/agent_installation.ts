import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { asCommandError } from "../../server/command_error.ts";
import { installUnit, UNIT_FOLDER } from "../../server/join/systemd_unit.ts";

/** Has systemd run the agent of this machine, by this very program. Throws a `CommandError` that says what to do. */
export async function installAgent(
  { node, data, agentFlags }: { node: string; data: string; agentFlags: readonly string[] },
): Promise<void> {
  const program = Deno.build.standalone
    ? [Deno.execPath()]
    : [Deno.execPath(), "run", "-A", fileURLToPath(Deno.mainModule)];
  const command = [...program, "agent", "--data", resolve(data), ...agentFlags];
  await installUnit({ node, command, folder: UNIT_FOLDER, run }).catch(asCommandError);
}

async function run(
  program: string,
  args: readonly string[],
): Promise<{ code: number; stderr: string }> {
  const command = new Deno.Command(program, { args: [...args], stdin: "null", stdout: "null" });
  const { code, stderr } = await command.output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}
