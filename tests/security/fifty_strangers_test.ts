import { testFiftyStrangers } from "../attack/fifty_strangers.ts";

/** The short form; the long one is part of `deno task attack`. */
testFiftyStrangers(5);
