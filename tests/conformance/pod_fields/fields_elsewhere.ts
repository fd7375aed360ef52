/** Fields that a test of another file shows: which one, by its name there. */
export interface FieldsElsewhere {
  fields: readonly string[];
  file: string;
  test: string;
}

const SELINUX = ["", "containers[]."].flatMap((of) =>
  ["user", "role", "type", "level"].map((part) => `${of}securityContext.seLinuxOptions.${part}`)
);

export const FIELDS_ELSEWHERE: readonly FieldsElsewhere[] = [
  {
    fields: ["volumes[].persistentVolumeClaim.claimName"],
    file: "tests/e2e/claims_test.ts",
    test: "data outlives a pod, and goes with its claim",
  },
  {
    fields: ["volumes[].persistentVolumeClaim.readOnly"],
    file: "agent/volumes/claim_volumes_test.ts",
    test: "a claim that the pod mounts read-only is so for all of its containers",
  },
  {
    fields: ["volumes[].ephemeral.volumeClaimTemplate"],
    file: "tests/e2e/claims_test.ts",
    test: "a volume of the pod alone goes with the pod",
  },
  {
    fields: ["volumes[].image.reference", "volumes[].image.pullPolicy"],
    file: "tests/e2e/mounts_test.ts",
    test: "the files of an image are a volume that nobody can write to",
  },
  {
    fields: ["containers[].volumeMounts[].recursiveReadOnly"],
    file: "tests/e2e/mounts_test.ts",
    test: "a read-only mount is so all the way down, when it is asked for",
  },
  {
    fields: ["containers[].volumeMounts[].mountPropagation"],
    file: "tests/e2e/mounts_test.ts",
    test: "mounts that are made later are seen as it is asked for",
  },
  {
    fields: ["containers[].volumeDevices[].name", "containers[].volumeDevices[].devicePath"],
    file: "tests/e2e/block_volumes_test.ts",
    test: "a container reads and writes the device of its claim",
  },
  {
    fields: ["containers[].ports[].hostPort", "containers[].ports[].hostIP"],
    file: "tests/e2e/service_kinds_test.ts",
    test: "a pod has its port of the node, by TCP and by UDP",
  },
  {
    fields: ["imagePullSecrets[].name"],
    file: "tests/e2e/images_test.ts",
    test: "a pod pulls with its own secret",
  },
  {
    fields: SELINUX, // what they do is up to a kernel that has SELinux
    file: "agent/runtimes/podman/container_create_test.ts",
    test:
      "a label of SELinux, files of images and mounts that come later are written as Podman wants them",
  },
  {
    fields: ["volumes[].nfs.server", "volumes[].nfs.path", "volumes[].nfs.readOnly"], // no server of NFS is started in tests
    file: "agent/volumes/types/nfs_volumes_test.ts",
    test: "a share is mounted by the server's name and its path, read-only when it is to be",
  },
];
