import { testFiftyStrangers } from "./fifty_strangers.ts";

/** ATTACK_SECONDS=60 for long. */
const seconds = Number(Deno.env.get("ATTACK_SECONDS") ?? 20);

testFiftyStrangers(seconds);
