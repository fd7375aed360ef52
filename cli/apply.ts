import type { CommandDefinition } from "./command.ts";
export const applyCommand: CommandDefinition = () => {};
