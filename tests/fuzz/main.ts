/**
 * Runs the properties with many cases and a new seed, which is printed:
 *
 *     deno task fuzz                                      1,000,000 cases
 *     CASES=100000 SEED=7 deno task fuzz                  as many, of this seed
 *     SEED=7 REPLAY=41:2:0 deno task fuzz --filter "…"    one counterexample, as a failure prints it
 */
import { fileURLToPath } from "node:url";

const CASES_LONG = 1_000_000;

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  const seed = Deno.env.get("SEED") ?? String(crypto.getRandomValues(new Uint32Array(1))[0]);
  const count = Deno.env.get("CASES") ?? String(CASES_LONG);
  await Deno.stdout.write(new TextEncoder().encode(`SEED=${seed} CASES=${count}\n`));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "-A", "--parallel", "--v8-flags=--expose-gc"],
      ...[fileURLToPath(new URL(".", import.meta.url)), ...Deno.args],
    ],
    env: { SEED: seed, CASES: count },
  }).spawn();
  return (await child.status).code;
}
