import { Command, CommanderError } from "commander";
import { CommandError, type Terminal } from "./command.ts";
import { COMMANDS } from "./mod.ts";

/**
 * Runs the `coracle` command with `args` (without the program's name) and resolves with its exit code:
 * 0 done, 1 could not be done, 2 called wrongly. Whatever goes wrong is said in one line.
 */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command("coracle")
    .description("A Kubernetes-API-compatible orchestrator in one process")
    .helpCommand("help [command]", "show what a command does")
    .showSuggestionAfterError(true);
  for (const define of COMMANDS) define(program, terminal);
  for (const command of [program, ...program.commands]) quieten(command, terminal);
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    return exitCodeOf(error, terminal);
  }
}

/** Commander is to throw, not to end the process, and to leave the words of an error to `exitCodeOf`. */
function quieten(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.out(text),
    writeErr: (text) => terminal.err(text),
    outputError: () => {},
  });
}

function exitCodeOf(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0 || error.code === "commander.help") return error.exitCode && 2;
    const words = error.message.replace(/^error: /, "").replace(/\n\(?(.*?)\)?$/s, " ($1)");
    terminal.err(`coracle: ${words}; see "coracle help"\n`);
    return 2;
  }
  if (error instanceof CommandError) {
    terminal.err(`coracle: ${error.message}\n`);
    return error.exitCode;
  }
  throw error;
}
