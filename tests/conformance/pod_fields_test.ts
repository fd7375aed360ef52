import assert from "node:assert/strict";
import { programPath } from "../../core/lib/linux/program.ts";
import { CONFINEMENT_CASES } from "../e2e/confinement_cases.ts";
import { POD_FIELD_CASES } from "../e2e/pod_field_cases.ts";
import { POD_NAME_CASES } from "../e2e/pod_name_cases.ts";
import { claimedFields } from "./pod_fields/claimed_fields.ts";
import { ENVIRONMENT_CASES } from "./pod_fields/environment_cases.ts";
import { FIELDS_ELSEWHERE } from "./pod_fields/fields_elsewhere.ts";
import { HOOK_CASES } from "./pod_fields/hook_cases.ts";
import { LIFE_CASES } from "./pod_fields/life_cases.ts";
import { NEIGHBOUR_CASES } from "./pod_fields/neighbour_cases.ts";
import { PROBE_CASES } from "./pod_fields/probe_cases.ts";
import { ProcessCluster } from "./pod_fields/process_cluster.ts";
import { PROJECTED_CASES } from "./pod_fields/projected_cases.ts";
import { SCHEDULING_CASES } from "./pod_fields/scheduling_cases.ts";
import { VOLUME_CASES } from "./pod_fields/volume_cases.ts";

/** Enough to use two cores, and few enough that each case gets on. */
const CASES_AT_ONCE = 8;

const CASES = [
  ...ENVIRONMENT_CASES,
  ...VOLUME_CASES,
  ...PROJECTED_CASES,
  ...LIFE_CASES,
  ...PROBE_CASES,
  ...HOOK_CASES,
  ...SCHEDULING_CASES,
  ...NEIGHBOUR_CASES,
];

Deno.test("each field of the PodSpec that is acted on names a test that shows it", () => {
  const shown = new Set(
    [...CASES, ...POD_FIELD_CASES, ...CONFINEMENT_CASES, ...POD_NAME_CASES, ...FIELDS_ELSEWHERE]
      .flatMap(({ fields }) => fields),
  );
  const claimed = new Set(claimedFields());
  assert.deepEqual([...claimed].filter((field) => !shown.has(field)), [], "without a test");
  assert.deepEqual([...shown].filter((field) => !claimed.has(field)), [], "no such field");
});

Deno.test("a test that shows a field elsewhere is there", async () => {
  for (const { file, test } of FIELDS_ELSEWHERE) {
    const text = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
    assert.ok(text.includes(JSON.stringify(test)), `${file}: ${test}`);
  }
});

const missing = missingHere();

Deno.test({
  name: `the fields of the PodSpec do what they say${missing === undefined ? "" : ` (${missing})`}`,
  ignore: missing !== undefined,
  sanitizeOps: false, // the server's own pipes stay open as long as it runs
  sanitizeResources: false,
  async fn(test) {
    const cluster = await ProcessCluster.start();
    try {
      const rest = [...CASES];
      await Promise.all(Array.from({ length: CASES_AT_ONCE }, async () => {
        for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
          const { name, run } = next;
          const fn = () => run(cluster);
          const sanitizers = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };
          await test.step({ name, fn, ...sanitizers });
        }
      }));
      assert.doesNotMatch(cluster.server.log, /"level":"error"/);
    } finally {
      await cluster.end();
    }
  },
});

function missingHere(): string | undefined {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "needs root on Linux";
  const isThere = programPath("nsenter") !== undefined && programPath("ip") !== undefined;
  return isThere ? undefined : "tools are missing: apt-get install util-linux iproute2";
}
