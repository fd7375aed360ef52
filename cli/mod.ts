import { agentCommand } from "./agent.ts";
import { applyCommand } from "./apply.ts";
import type { CommandDefinition } from "./command.ts";
import { demoCommand } from "./demo.ts";
import { demoWebCommand } from "./demo_web.ts";
import { serverCommand } from "./server.ts";
import { versionCommand } from "./version.ts";

/** Every command of `coracle`. A new one is one file and one line here. */
export const COMMANDS: readonly CommandDefinition[] = [
  serverCommand,
  agentCommand,
  applyCommand,
  demoCommand,
  demoWebCommand,
  versionCommand,
];
