import { CONFINEMENT_CASES } from "./confinement_cases.ts";
import { POD_NAME_CASES } from "./pod_name_cases.ts";
import { testOnPodman } from "./podman_cluster.ts";

testOnPodman({
  name: "what a container may do is what its pod and its node say",
  subnet: 166,
  stepsAtOnce: 3,
  args: [
    ...["--device", "log=/dev/kmsg"],
    ...["--device", "tun=/dev/net/tun:2"],
    ...["--allowed-unsafe-sysctls", "kernel.msg*,net.core.somaxconn"],
  ],
  steps: [...CONFINEMENT_CASES, ...POD_NAME_CASES],
});
