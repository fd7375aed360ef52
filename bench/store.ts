import { configMaps } from "../core/resources/config_maps.ts";
import type { KubeObject } from "../core/resources/resource.ts";
import { KvJournal } from "../core/store/kv_journal.ts";
import { MemoryStore } from "../core/store/memory_store.ts";
import type { Key } from "../core/store/store.ts";
import { Etcd } from "./etcd.ts";
import type { Bench, Measurement } from "./harness.ts";
import { cpuSecondsOf } from "./processes.ts";
import { temporaryFolder } from "./server.ts";
import { configMap } from "./start.ts";
import { median, quantile, ratios, spread } from "./statistics.ts";

const ROUNDS = 5;
const SECONDS = 2;
const OBJECTS = 20_000;
const HOT_OBJECTS = 1_000;
const WRITERS = [64, 1];

interface Sample {
  perSecond: number;
  p99Ms: number;
  cpuMs: number;
}

/** Something that makes one object durable. */
interface Contestant {
  write(number: number): Promise<unknown>;
  cpuSeconds(): number;
}

/** Durable writes of the store, in its own process, beside etcd by its own protocol. */
export const store: Measurement = {
  name: "store",
  title: "Durable writes of objects of 2 KB, beside etcd",
  needs: [{ program: "etcd", package: "etcd-server" }],
  async run(bench) {
    const contestants = { Coracle: await openStore(bench), etcd: await openEtcd(bench) };
    bench.say(`Filling both with ${OBJECTS} objects`);
    for (const contestant of Object.values(contestants)) {
      await writeFor(contestant, { writers: 64, operations: OBJECTS, pick: (turn) => turn });
    }
    const rounds = bench.rounds(ROUNDS);
    const rows: string[][] = [];
    for (const writers of WRITERS) {
      for (const objects of [HOT_OBJECTS, OBJECTS]) {
        const name = `${writers} writer${writers > 1 ? "s" : ""}, ${objects} objects`;
        bench.say(name);
        const pick = (turn: number) => turn * 7919 % objects;
        const run = (contestant: Contestant) => () => writeFor(contestant, { writers, pick });
        const samples = await bench.interleave(rounds, {
          Coracle: run(contestants.Coracle),
          etcd: run(contestants.etcd),
        });
        rows.push(rowOf(name, samples["Coracle"]!, samples["etcd"]!));
      }
    }
    return {
      columns: [
        "",
        "Coracle, writes/s",
        "etcd, writes/s",
        "ratio",
        "p99 ms",
        "etcd's p99 ms",
        "CPU ms each",
        "etcd's CPU ms each",
      ],
      rows,
      notes: [
        `Median of ${rounds} rounds of ${SECONDS} s (range). Each write is on disk when it is acknowledged.`,
        "Coracle's CPU is that of the whole bench process, its writers included; etcd's is that of its server alone,",
        "which is asked by a gRPC client on node:http2 in this process, so that its rates are a lower bound.",
      ],
    };
  },
};

async function openStore(bench: Bench): Promise<Contestant> {
  const folder = await temporaryFolder(bench);
  const journal = await KvJournal.open(`${folder}/store.kv`);
  const opened = await MemoryStore.open(journal, { resources: [configMaps], freezing: "none" });
  bench.defer(() => opened.close());
  const key = (number: number): Key => ["configmaps", "default", `map-${number}`];
  const object = JSON.parse(configMap("map")) as KubeObject;
  return {
    write: (number) => {
      const metadata = { ...object.metadata, namespace: "default", name: `map-${number}` };
      const expected = opened.newest(key(number))?.revision ?? 0;
      const value: KubeObject = { ...object, metadata };
      return opened.commit([{ key: key(number), value, expected }]);
    },
    cpuSeconds: () => cpuSecondsOf([Deno.pid]),
  };
}

async function openEtcd(bench: Bench): Promise<Contestant> {
  const etcd = await Etcd.start(await temporaryFolder(bench), bench);
  const encoder = new TextEncoder();
  const value = encoder.encode(configMap("map"));
  return {
    write: (number) =>
      etcd.put(encoder.encode(`/registry/configmaps/default/map-${number}`), value),
    cpuSeconds: () => cpuSecondsOf([etcd.pid]),
  };
}

async function writeFor(
  { write, cpuSeconds }: Contestant,
  { writers, operations = Infinity, pick }: {
    writers: number;
    operations?: number;
    pick(turn: number): number;
  },
): Promise<Sample> {
  const latenciesMs: number[] = [];
  const cpuBefore = cpuSeconds();
  const startMs = performance.now();
  const endMs = operations === Infinity ? startMs + SECONDS * 1000 : Infinity;
  let turn = 0;
  await Promise.all(Array.from({ length: writers }, async () => {
    while (turn < operations) {
      const sentMs = performance.now();
      if (sentMs > endMs) return;
      await write(pick(turn++));
      latenciesMs.push(performance.now() - sentMs);
    }
  }));
  const seconds = (performance.now() - startMs) / 1000;
  return {
    perSecond: turn / seconds,
    p99Ms: quantile(latenciesMs, 0.99),
    cpuMs: (cpuSeconds() - cpuBefore) * 1000 / turn,
  };
}

function rowOf(name: string, own: readonly Sample[], etcd: readonly Sample[]): string[] {
  const of = (samples: readonly Sample[], key: keyof Sample) => samples.map((each) => each[key]);
  return [
    name,
    spread(of(own, "perSecond")),
    spread(of(etcd, "perSecond")),
    spread(ratios(of(own, "perSecond"), of(etcd, "perSecond")), 2),
    median(of(own, "p99Ms")).toFixed(1),
    median(of(etcd, "p99Ms")).toFixed(1),
    median(of(own, "cpuMs")).toFixed(2),
    median(of(etcd, "cpuMs")).toFixed(2),
  ];
}
