/**
 * One of several servers that share an etcd: stands by, takes over when it can, and then writes until it is refused. It
 * reports on stdout what it sees and does:
 *
 *     deno run -A tests/takeover/contender.ts ENDPOINTS PREFIX LEASE_MS SEED FAULT
 *
 * `FAULT` is one that is planted, to see that it is found, or empty.
 */
import { SystemClock } from "../../core/lib/clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import { Contender } from "../../core/store/contender.ts";
import { EtcdEngine } from "../../core/store/etcd/etcd_engine.ts";
import { MemoryStore } from "../../core/store/memory_store.ts";
import type { SharedEngine } from "../../core/store/shared_engine.ts";
import { FaultyJournal } from "../crash/faulty_journal.ts";
import { say as sayLine, writeUntilRefused } from "../crash/many_writers.ts";
import { type Line, RESOURCE } from "../crash/writer_lines.ts";
import type { ContenderLine } from "./contender_lines.ts";

if (import.meta.main) await main(Deno.args as [string, string, string, string, string]);

async function main(
  [endpoints, prefix, leaseMs, seed, fault]: [string, string, string, string, string],
): Promise<void> {
  if (fault === "unfenced") forgetTheFence();
  const clock = new SystemClock();
  const access = { endpoints: endpoints.split(",") };
  const etcd = new EtcdEngine({ access, clock, prefix, leaseMs: Number(leaseMs) });
  const engine = fault === "hasty" ? hasty(etcd) : etcd;
  const onStopped = (error: Error) => end(error);
  const store = MemoryStore.following({ freezing: "none", onStopped });
  const contender = new Contender({ engine, store, clock, log: silentLog(clock) });
  contender.contend({ id: seed, address: `https://127.0.0.1:${seed}` });
  void contender.run(new AbortController().signal);
  await contender.settled;
  if (!contender.tenure) say({ standsBy: store.revision });
  const tenure = await contender.won;
  void tenure.ended.then(end);
  for (const { object, revision } of store.list([RESOURCE])) say({ object, revision });
  say({ ready: store.revision });
  await writeUntilRefused(store, { seed: Number(seed) });
  Deno.exit(1);
}

/** Its last line: another server has taken over. */
function end({ message }: Error): void {
  say({ refused: message });
  Deno.exit(1);
}

function say(line: ContenderLine): void {
  sayLine(line as Line);
}

/** Reports a batch as durable before it is. */
function hasty(engine: SharedEngine): SharedEngine {
  return {
    follow: (signal) => engine.follow(signal),
    claim: async (self) => {
      const tenure = await engine.claim(self);
      return tenure && { ...tenure, journal: new FaultyJournal(tenure.journal, "hasty") };
    },
    close: () => engine.close(),
  };
}

/** Writes of this process take effect whoever the owner is. */
function forgetTheFence(): void {
  const { fetch } = globalThis;
  globalThis.fetch = (input: RequestInfo | URL, init?: RequestInit) => {
    const body = JSON.parse(String(init?.body ?? "{}"));
    const isClaim = JSON.stringify(body.compare ?? []).includes('"createRevision":"0"');
    if (!String(input).endsWith("/txn") || isClaim) return fetch(input, init);
    return fetch(input, { ...init, body: JSON.stringify({ ...body, compare: [] }) });
  };
}
