import { FRONT_NEEDED, withstandFiftyStrangers } from "./fifty_strangers.ts";

/** ATTACK_SECONDS=60 for long. */
const seconds = Number(Deno.env.get("ATTACK_SECONDS") ?? 20);

Deno.test({
  name: `50 strangers who do their worst for ${seconds} s gain nothing${FRONT_NEEDED.hint}`,
  ignore: FRONT_NEEDED.ignore,
  fn: () => withstandFiftyStrangers({ seconds }),
});
