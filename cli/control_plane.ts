import { EventRecorder } from "../core/client/event_recorder.ts";
import { createControllers } from "../core/controllers/mod.ts";
import { runLoop } from "../core/controllers/run_controller.ts";
import { LocalClient } from "../core/objects/local_client.ts";
import { Objects } from "../core/objects/objects.ts";
import { RESOURCES } from "../core/resources/mod.ts";
import { PLUGINS } from "../core/scheduler/plugins/mod.ts";
import { scheduler } from "../core/scheduler/scheduler.ts";
import { KvJournal, type KvJournalOptions } from "../core/store/kv_journal.ts";
import { takeLockOver } from "../core/store/lock_take_over.ts";
import { MemoryStore } from "../core/store/memory_store.ts";
import { CommandError } from "./command.ts";
import { type Ground, keepRunning } from "./ground.ts";
import type { ServerFlags } from "./server_flags.ts";

/** The parts of the control plane that others build on. */
export interface ControlPlane {
  store: MemoryStore;
  objects: Objects;
  client: LocalClient;
  events: EventRecorder;
}

/**
 * Opens the store, which nobody else can open until it is closed: whoever has it may touch what else belongs to the
 * data folder. Throws a {@linkcode CommandError} when it is taken, damaged, or of a newer version.
 */
export async function openStore(ground: Ground<ServerFlags>): Promise<MemoryStore> {
  const { dataFolder, parts, fail } = ground;
  const path = `${dataFolder}/store.kv`;
  try {
    const journal = await KvJournal.open(path, lockingOf(ground));
    const options = { resources: RESOURCES, freezing: "none", onStopped: fail } as const;
    const store = await MemoryStore.open(journal, options);
    parts.defer(() => store.close());
    return store;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { message } = error;
    const what = /^Cannot /.test(message)
      ? message
      : `Cannot read the data in "${path}": ${message}`;
    const advice = "; restore it from a backup, or move it away to begin anew";
    throw new CommandError(what.includes("; ") ? what : what + advice);
  }
}

/** With `--take-over` the server that has the data is ended. */
function lockingOf({ flags, clock, log, signal }: Ground<ServerFlags>): KvJournalOptions {
  const { takeOver } = flags;
  if (takeOver === undefined) return {};
  const endMs = takeOver * 1_000;
  const tell = (what: string, pid: number) => log.warn(what, { pid });
  return { takeLock: (path) => takeLockOver(path, { clock, signal, tell, endMs }) };
}

/** Lays the verbs over the store. Nothing runs yet. */
export function openControlPlane(
  ground: Ground,
  store: MemoryStore,
  { serviceCidr, host }: { serviceCidr: string; host: string },
): ControlPlane {
  const { clock, random, log, parts } = ground;
  const objects = new Objects({ store, clock, random, serviceCidr });
  const client = new LocalClient(objects, { user: "system:coracle" });
  const stop = new AbortController();
  const events = new EventRecorder({ client, clock, log, host, signal: stop.signal });
  parts.defer(() => stop.abort(new Error("The server stops")));
  return { store, objects, client, events };
}

/** Starts the controllers and the scheduler. `podCidr`: of the server's own node, which is not registered yet. */
export function runControllers(
  ground: Ground,
  { client, events }: ControlPlane,
  { podCidr }: { podCidr: string },
): void {
  const { clock, log, flags: { gatewayAddress } } = ground;
  const parts = { client, view: client, clock, log, events };
  const controllers = createControllers({
    ...{ resources: RESOURCES, gatewayAddress, reservedRanges: [podCidr] },
  });
  for (const loop of [...controllers, scheduler(PLUGINS)]) {
    keepRunning(ground, loop.name, (signal) => runLoop(loop, parts, signal));
  }
}
