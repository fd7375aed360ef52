import { agentCommand } from "./agent.ts";
import { applyCommand } from "./apply.ts";
import type { CommandDefinition } from "./command.ts";
import { credentialsCommand } from "./credentials.ts";
import { backupCommand } from "./backup.ts";
import { demoCommand } from "./demo.ts";
import { demoWebCommand } from "./demo_web.ts";
import { restoreCommand } from "./restore.ts";
import { joinCommand } from "./join.ts";
import { imageCommand } from "./image.ts";
import { nodeCommand } from "./node.ts";
import { rolloutCommand } from "./rollout.ts";
import { serverCommand } from "./server.ts";
import { secretsCommand } from "./secrets.ts";
import { storeCommand } from "./store.ts";
import { tokenCommand } from "./token.ts";
import { versionCommand } from "./version.ts";

/** Every command of `coracle`. A new one is one file and one line here. */
export const COMMANDS: readonly CommandDefinition[] = [
  serverCommand,
  agentCommand,
  joinCommand,
  tokenCommand,
  applyCommand,
  rolloutCommand,
  nodeCommand,
  imageCommand,
  credentialsCommand,
  backupCommand,
  restoreCommand,
  secretsCommand,
  storeCommand,
  demoCommand,
  demoWebCommand,
  versionCommand,
];
