import type { Command } from "commander";
import type { Terminal } from "../server/terminal.ts";

/** Adds one command to the program. One file each; `mod.ts` lists them. */
export type CommandDefinition = (program: Command, terminal: Terminal) => void;
