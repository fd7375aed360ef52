import { Etcd, type EtcdSample } from "./etcd.ts";
import type { Measurement } from "./harness.ts";
import { cpuSecondsOf } from "./processes.ts";
import { configMap } from "./start.ts";
import { median, ratios, spread } from "./statistics.ts";
import { FilledStore } from "./filled_store.ts";

const ROUNDS = 5;
const SECONDS = 3;
const OBJECTS = 100_000;
const HOT_OBJECTS = 1_000;

/** What is measured, and the ratio that is to hold. */
const RUNS = [
  { name: "one writer", writers: 1, span: OBJECTS, ratioMin: 1 },
  { name: `64 writers, ${HOT_OBJECTS} hot objects`, writers: 64, span: HOT_OBJECTS, ratioMin: 2 },
  { name: "64 writers, all objects", writers: 64, span: OBJECTS, ratioMin: 1.3 },
];

interface Sample extends EtcdSample {
  cpuMs: number;
}

/** Durable writes of the store, in its own process, beside etcd with its own client. */
export const store: Measurement = {
  name: "store",
  title: `Durable writes to ${OBJECTS} objects of 2 KB, beside etcd`,
  needs: [{ program: "etcd", package: "etcd-server" }, { program: "go", package: "golang-go" }],
  async run(bench) {
    const own = await FilledStore.open(bench);
    const valueBytes = configMap("map").length;
    const etcd = await Etcd.start(bench, { objects: OBJECTS, valueBytes });
    bench.say(`Filling both with ${OBJECTS} objects`);
    await own.fill(OBJECTS);
    await etcd.fill();
    const rounds = bench.rounds(ROUNDS);
    const rows: string[][] = [];
    for (const { name, ratioMin, ...run } of RUNS) {
      bench.say(name);
      const options = { ...run, seconds: SECONDS };
      const samples = await bench.interleave(rounds, {
        own: () => withCpu(Deno.pid, () => own.write(options)),
        etcd: () => withCpu(etcd.pid, () => etcd.write(options)),
      });
      rows.push([name, ...cellsOf(samples["own"]!, samples["etcd"]!), `≥ ${ratioMin.toFixed(1)}`]);
    }
    return {
      columns: [
        "",
        "writes/s",
        "etcd's",
        "ratio",
        "p50 ms",
        "etcd's",
        "p99 ms",
        "etcd's",
        "CPU ms",
        "etcd's",
        "ratio to hold",
      ],
      rows,
      notes: [
        `Median of ${rounds} rounds of ${SECONDS} s (range). Each write is conditional on the object's version, and on`,
        "disk when it is acknowledged. Coracle's CPU, for each write, is that of the whole bench process, its writers",
        "included; etcd's is that of its server alone. Its client is clientv3 in Go, a process of its own.",
      ],
    };
  },
};

async function withCpu(pid: number, run: () => Promise<EtcdSample>): Promise<Sample> {
  const before = cpuSecondsOf([pid]);
  const sample = await run();
  return { ...sample, cpuMs: (cpuSecondsOf([pid]) - before) * 1000 / sample.writes };
}

function cellsOf(own: readonly Sample[], etcd: readonly Sample[]): string[] {
  const of = (samples: readonly Sample[], key: keyof Sample) => samples.map((each) => each[key]);
  const pair = (key: keyof Sample, digits: number) =>
    [own, etcd].map((samples) => median(of(samples, key)).toFixed(digits));
  return [
    spread(of(own, "perSecond")),
    spread(of(etcd, "perSecond")),
    spread(ratios(of(own, "perSecond"), of(etcd, "perSecond")), 2),
    ...pair("p50Ms", 2),
    ...pair("p99Ms", 1),
    ...pair("cpuMs", 3),
  ];
}
