import { testOnPodman } from "./podman_cluster.ts";
import { STREAM_CASES } from "./stream_cases.ts";

testOnPodman({
  name: "streams on Podman, by kubectl",
  subnet: 120,
  steps: STREAM_CASES.map(({ name, run }) => ({ name, run: (cluster) => run({ cluster }) })),
});
