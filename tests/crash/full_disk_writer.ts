import { GuardedStore } from "./guarded_store.ts";

/** Fills the disk of the folder that it is given with objects of 930 KB, removes the first one, and is killed. */
const store = await GuardedStore.open(Deno.args[0]!);
const { names } = await store.putUntilRefused("large", 930_000);
await store.remove(names[0]!);
Deno.stdout.writeSync(new TextEncoder().encode(String(names.length)));
Deno.kill(Deno.pid, "SIGKILL");
