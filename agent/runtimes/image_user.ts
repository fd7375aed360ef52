import { ConfigError } from "./config_error.ts";
import type { ContainerSpec } from "./container_runtime.ts";

type Named = Pick<ContainerSpec, "podUid" | "podName" | "podNamespace" | "name">;

/**
 * Refuses a container that must not run as root when its image would: `imageUser` is the image's `USER`, such as
 * `1000:1000` or `nginx`, empty when it has none. A name cannot be trusted: what it stands for is in the image.
 *
 * Kubernetes: `pkg/kubelet/kuberuntime/security_context.go`, `verifyRunAsNonRoot`. Throws {@linkcode ConfigError}.
 */
export function checkImageUser(
  spec: Named & Pick<ContainerSpec, "security">,
  imageUser: string,
): void {
  const { runAsNonRoot, runAsUser } = spec.security;
  if (!runAsNonRoot || runAsUser !== undefined) return;
  const [user = ""] = imageUser.split(":");
  if (user === "" || Number(user) === 0) {
    throw nonRootError("container has runAsNonRoot and image will run as root", spec);
  }
  if (!/^\d+$/.test(user)) {
    const why = `image has non-numeric user (${user}), cannot verify user is non-root`;
    throw nonRootError(`container has runAsNonRoot and ${why}`, spec);
  }
}

/** A refusal to run a container as root, in the kubelet's words. */
export function nonRootError(
  why: string,
  { podUid, podName, podNamespace, name }: Named,
): ConfigError {
  const pod = `"${podName}_${podNamespace}(${podUid})"`;
  return new ConfigError(`${why} (pod: ${pod}, container: ${name})`);
}
