import type { CommandDefinition } from "./command.ts";
export const demoCommand: CommandDefinition = () => {};
