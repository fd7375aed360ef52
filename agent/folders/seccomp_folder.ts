/**
 * Where the node's own seccomp profiles are, which pods name with `seccompProfile.localhostProfile`: as the kubelet's
 * `seccomp` folder (https://kubernetes.io/docs/tutorials/security/seccomp/).
 */
export function seccompFolderOf(dataFolder: string): string {
  return `${dataFolder}/seccomp`;
}
