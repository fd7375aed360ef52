import type { Agent } from "../agent/agent.ts";
import type { Compacted } from "../core/api/http/store_maintenance.ts";
import { shrinkHeap } from "../core/lib/heap.ts";
import type { Log } from "../core/lib/log.ts";
import { timestamp } from "../core/lib/timestamp.ts";
import type { AnyResource } from "../core/resources/resource.ts";
import { CompactableJournal, compactAside } from "../core/store/kv/compactable_journal.ts";
import { DiskBallast } from "../core/store/kv/room/disk_ballast.ts";
import { DiskRoom } from "../core/store/kv/room/disk_room.ts";
import { FileRoom } from "../core/store/kv/room/file_room.ts";
import type { KvFileOptions } from "../core/store/kv/kv_file.ts";
import { KvJournal } from "../core/store/kv/kv_journal.ts";
import { takeLockOver } from "../core/store/kv/lock_take_over.ts";
import { rotate } from "../core/store/encryption/rotation.ts";
import type { Sealer } from "../core/store/encryption/sealer.ts";
import { SealingJournal } from "../core/store/encryption/sealing_journal.ts";
import { newSecretKey } from "../core/store/encryption/secret_keys.ts";
import { MemoryStore } from "../core/store/memory_store.ts";
import { CommandError } from "./command_error.ts";
import { storePath } from "./data_folder.ts";
import type { CommandContext } from "./context.ts";
import type { ServerFlags } from "./options.ts";
import { SecretKeyFile } from "../core/store/encryption/secret_key_file.ts";
import type { ServerStore } from "./server.ts";

/** The store in the data folder, its file, and the free space on its disk. */
interface FileStore {
  path: string;
  journal: CompactableJournal;
  store: MemoryStore;
  room: DiskRoom;
  sealer: Sealer;
}

/**
 * Opens the store, which nobody else can open until it is closed: whoever has it may touch what else belongs to the
 * data folder. Throws a {@linkcode CommandError} when it is taken, damaged, or of a newer version.
 */
export async function openFileStore(
  context: CommandContext<ServerFlags>,
  resources: readonly AnyResource[],
): Promise<ServerStore> {
  const { dataFolder, clock, log, parts } = context;
  const ballast = new DiskBallast(`${dataFolder}/store.ballast`);
  const path = storePath(dataFolder);
  const file = new FileRoom(path);
  const room = new DiskRoom({ ballast, file, clock, log, folder: dataFolder });
  parts.defer(() => room.close());
  try {
    const opened = await room.opening(() => openIn(context, path, { room, resources }));
    const { store, journal } = opened;
    file.use(journal);
    let diskTasks: Promise<void> | undefined;
    parts.defer(() => diskTasks); // they end soon after the store has closed
    parts.defer(() => store.close());
    shrinkHeap().catch((error) => log.warn("Cannot free the memory that loading took", { error }));
    return serverStore(
      context,
      { path, room, ...opened },
      (file, agent) => diskTasks = lookAfterDisk(file, agent, log),
    );
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { message } = error;
    const what = /^Cannot /.test(message)
      ? message
      : `Cannot read the data in "${path}": ${message}`;
    throw new CommandError(what.includes("; ") ? what : what + adviceOn(message));
  }
}

function serverStore(
  { clock, dataFolder }: CommandContext<ServerFlags>,
  file: FileStore,
  onSettled: (file: FileStore, agent: Agent | undefined) => void,
): ServerStore {
  const { store, path, journal, sealer } = file;
  const keys = new SecretKeyFile(dataFolder);
  const rotateKey = oneAtATime(() => {
    const createdAt = timestamp(clock.now());
    return rotate({ store, sealer, save: (all) => keys.save(all), createdAt });
  });
  return {
    store,
    isAlone: true,
    api: {
      storeFile: { compact: () => compactBeside(path, journal) },
      secretRotation: { rotate: rotateKey },
    },
    whenOwned: async (_address, run) => void await run(),
    settled: ({ agent }) => onSettled(file, agent),
  };
}

/** What error messages of SQLite and of our own say when a file is damaged. */
const DAMAGED =
  /malformed|not a database|Cannot read segment|parts of the blob .* are missing|JSON|checksum/;

/** What to do about a store that cannot be opened. Only a damaged one should be replaced. */
function adviceOn(message: string): string {
  return DAMAGED.test(message)
    ? "; restore it from a backup, or move it away to start with an empty store"
    : "; the data may be intact: check the disk and the permissions of the file, then start again";
}

/**
 * Reserves the ballast, reports from now on whether the disk is full, and shrinks the store's file. Call it once
 * everything runs. Never rejects.
 */
async function lookAfterDisk(
  { path, room, journal }: FileStore,
  agent: Agent | undefined,
  log: Log,
): Promise<void> {
  room.onChange((isFull) => agent?.reportDisk({ isFull }));
  try {
    await room.settle();
    if (room.isFull) return;
    while (await journal.trim()); // writes go on between the steps
    const { fileUse, densityOf } = await import("../core/store/kv/store_compaction.ts");
    const use = await fileUse(path);
    if (densityOf(use) === "sparse") await journal.compact(() => compactAside(path));
    if (densityOf(use) === "large") {
      log.info('Most of the store\'s file is unused: shrink it with "coracle store compact"', {
        ...use,
      });
    }
  } catch (error) {
    log.warn("Cannot make the store's file smaller", { error });
  }
}

async function compactBeside(path: string, journal: CompactableJournal): Promise<Compacted> {
  const { size: beforeBytes } = await Deno.stat(path);
  while (await journal.trim());
  await journal.compact(() => compactAside(path));
  return { beforeBytes, afterBytes: (await Deno.stat(path)).size };
}

async function openIn(
  context: CommandContext<ServerFlags>,
  path: string,
  { room, resources }: { room: DiskRoom; resources: readonly AnyResource[] },
): Promise<Pick<FileStore, "journal" | "store" | "sealer">> {
  const opening = { ...openingOf(context), relieve: (error: unknown) => room.relieve(error) };
  const keys = new SecretKeyFile(context.dataFolder);
  const sealer = await keys.sealer(resources);
  const journal = new CompactableJournal(await KvJournal.open(path, opening));
  const options = { resources, freezing: "none", onStopped: context.fail } as const;
  try {
    const guarded = room.guard(new SealingJournal(journal, sealer));
    const store = await MemoryStore.open(guarded, { ...options, gate: room });
    if (sealer.keys.length === 0) await makeKey(context, keys, sealer);
    return { journal, store, sealer };
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** The first key. Nothing in the store is encrypted yet: else opening it would have failed. */
async function makeKey(
  { clock, log }: CommandContext<ServerFlags>,
  file: SecretKeyFile,
  sealer: Sealer,
): Promise<void> {
  const keys = [newSecretKey(timestamp(clock.now()))];
  try {
    await file.save(keys);
    sealer.use(keys);
  } catch (error) { // the disk may be full
    log.warn("Secrets are not encrypted until the next start: cannot save a key", { error });
  }
}

/** Who asks while it is done gets what comes of it. */
function oneAtATime<T>(act: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return () => underWay ??= act().finally(() => underWay = undefined);
}

/** With `--take-over` the server that has the data folder is stopped. */
function openingOf(
  { flags, clock, log, signal }: CommandContext<ServerFlags>,
): KvFileOptions {
  const { takeOver } = flags;
  if (takeOver === undefined) return { clock };
  const endMs = takeOver * 1_000;
  const tell = (what: string, pid: number) => log.warn(what, { pid });
  return { clock, takeLock: (path) => takeLockOver(path, { clock, signal, tell, endMs }) };
}
