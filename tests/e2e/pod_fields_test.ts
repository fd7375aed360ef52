import { POD_FIELD_CASES } from "./pod_field_cases.ts";
import { testOnPodman } from "./podman_cluster.ts";

testOnPodman({
  name: "the fields of the PodSpec that need Podman do what they say",
  subnet: 113,
  stepsAtOnce: 4,
  steps: POD_FIELD_CASES,
});
