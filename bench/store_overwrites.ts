import { FilledStore } from "./filled_store.ts";
import type { Bench, Measurement } from "./harness.ts";
import { usageOf } from "./processes.ts";

const WRITES = 1_000_000;
const WRITERS = 64;
const SPANS = [1, 1_000, 20_000];
const SAMPLES = 20;
const MIB = 1024 * 1024;

interface Sizes {
  file: number;
  wal: number;
}

/** Whether the file stays small, however often its objects are written. */
export const storeOverwrites: Measurement = {
  name: "store-overwrites",
  title: "A million overwrites of objects of 2 KB",
  needs: [],
  async run(bench) {
    const rows: string[][] = [];
    for (const span of SPANS) {
      bench.say(`${span} objects`);
      rows.push(await rowOf(bench, span));
    }
    return {
      columns: [
        "objects",
        "what lives, MiB",
        "largest file, MiB",
        "largest write-ahead log, MiB",
        "writes/s",
        "RSS, MiB",
      ],
      rows,
      notes: [
        `${WRITES} writes by ${WRITERS} writers (one object: by one). Sizes are looked at ${SAMPLES} times meanwhile.`,
      ],
    };
  },
};

async function rowOf(bench: Bench, span: number): Promise<string[]> {
  const filled = await FilledStore.open(bench);
  await filled.fill(span);
  const largest: Sizes = { file: 0, wal: 0 };
  const writers = Math.min(WRITERS, span);
  let seconds = 0;
  await bench.witnessed(async () => {
    for (let i = 0; i < SAMPLES; i++) {
      const { perSecond, writes } = await filled.overwrite({
        writes: WRITES / SAMPLES,
        writers,
        span,
      });
      seconds += writes / perSecond;
      largest.file = Math.max(largest.file, await sizeOf(filled.path));
      largest.wal = Math.max(largest.wal, await sizeOf(`${filled.path}-wal`));
    }
  });
  const liveBytes = filled.store.list(["configmaps"]).reduce(
    (sum, { bytes }) => sum + bytes.length,
    0,
  );
  const { rssBytes } = usageOf([Deno.pid]);
  await filled.store.close();
  return [
    String(span),
    ...[liveBytes, largest.file, largest.wal].map((bytes) => (bytes / MIB).toFixed(1)),
    (WRITES / seconds).toFixed(0),
    (rssBytes / MIB).toFixed(0),
  ];
}

async function sizeOf(path: string): Promise<number> {
  return await Deno.stat(path).then(({ size }) => size, () => 0);
}
