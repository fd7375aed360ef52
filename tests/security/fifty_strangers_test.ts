import { FRONT_NEEDED, withstandFiftyStrangers } from "../attack/fifty_strangers.ts";

/** The long form is part of `deno task attack`. */
const SECONDS = 5;

Deno.test({
  name:
    `50 strangers who do their worst take no memory, no second of an admin and no request of a pod${FRONT_NEEDED.hint}`,
  ignore: FRONT_NEEDED.ignore,
  fn: () => withstandFiftyStrangers({ seconds: SECONDS, isHasty: true }),
});
