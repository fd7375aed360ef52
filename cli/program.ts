import { Command, CommanderError } from "commander";
import { CommandError } from "../server/command_error.ts";
import { type Terminal } from "../server/terminal.ts";
import { COMMANDS } from "./mod.ts";

/**
 * Runs the `coracle` command with `args` (without the program's name) and resolves with its exit code:
 * 0 done, 1 failed, 2 wrong usage. Errors are reported in one line.
 */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command("coracle")
    .description("A Kubernetes-API-compatible orchestrator in one process")
    .helpCommand("help [command]", "show what a command does")
    .showSuggestionAfterError(true);
  for (const define of COMMANDS) define(program, terminal);
  redirectOutput(program, terminal);
  try {
    refuseUnknownTopic(program, args);
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    return exitCodeOf(error, terminal, wantsDetails(args));
  }
}

/** Without this, Commander shows the help of the whole program for an unknown command. */
function refuseUnknownTopic(program: Command, [command, topic]: readonly string[]): void {
  if (command !== "help" || topic === undefined) return;
  if (!program.commands.some((each) => each.name() === topic)) {
    program.error(`error: unknown command '${topic}'`);
  }
}

/** Has Commander throw instead of ending the process, and leave error messages to `exitCodeOf`. */
function redirectOutput(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.out(text),
    writeErr: (text) => terminal.err(text),
    outputError: () => {},
  });
  for (const each of command.commands) redirectOutput(each, terminal);
}

/** Whether to print stack traces. */
function wantsDetails(args: readonly string[]): boolean {
  return args.some((arg, i) =>
    arg === "--log-level=debug" || (arg === "--log-level" && args[i + 1] === "debug")
  );
}

function exitCodeOf(error: unknown, terminal: Terminal, withDetails: boolean): number {
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
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const [line] = message.split("\n");
  const hint = withDetails ? "" : "; run it with --log-level debug to see where";
  terminal.err(`coracle: Something unexpected happened: ${line}${hint}\n`);
  if (withDetails) terminal.err(`${stack}\n`);
  return 1;
}
