import type { Container } from "./containers.ts";
import { withEachContainer } from "./pod_containers.ts";
import type { PodSpec } from "./pod_spec.ts";
import type { Volume } from "./volumes.ts";

/**
 * Fills what the schema cannot: the defaults of one field that come from another. Pure, and doing it twice
 * is doing it once. For pods and templates alike.
 *
 * Source: k8s.io/kubernetes/pkg/apis/core/v1/defaults.go, `SetDefaults_PodSpec` and below it.
 */
export function withTemplateDefaults(spec: PodSpec): PodSpec {
  // Without containers the pod is refused; the other rules are asked all the same.
  const { hostNetwork: onHost = false } = spec;
  const account = spec.serviceAccountName ?? spec.serviceAccount;
  return {
    ...withEachContainer(
      spec,
      (each, role) =>
        role === "ephemeral" ? withPullPolicy(each) : withContainerDefaults(each, onHost),
    ),
    ...(spec.volumes && { volumes: spec.volumes.map(withSource) }),
    ...(account && { serviceAccountName: account, serviceAccount: account }),
  };
}

/** What a pod gets beside that, and a template does not: `SetDefaults_Pod`. */
export function withPodDefaults(spec: PodSpec): PodSpec {
  const filled = withTemplateDefaults(spec);
  return {
    ...withEachContainer(filled, (each, role) => role === "ephemeral" ? each : withRequests(each)),
    enableServiceLinks: filled.enableServiceLinks ?? true,
  };
}

function withContainerDefaults(container: Container, onHost: boolean): Container {
  const filled = withPullPolicy(container);
  if (!onHost || !filled.ports) return filled;
  const ports = filled.ports.map((port) => ({
    ...port,
    hostPort: port.hostPort ?? port.containerPort,
  }));
  return { ...filled, ports };
}

function withPullPolicy(container: Container): Container {
  if (container.imagePullPolicy || !container.image) return container;
  return { ...container, imagePullPolicy: pullPolicyOf(container.image) };
}

/** An image without a tag means `latest`; what a digest names never changes. */
function pullPolicyOf(image: string): "Always" | "IfNotPresent" {
  const [name = "", digest] = image.split("@", 2);
  const tag = name.slice(name.lastIndexOf("/") + 1).split(":")[1];
  if (tag === "latest") return "Always";
  return tag || digest ? "IfNotPresent" : "Always";
}

function withSource(volume: Volume): Volume {
  return Object.keys(volume).length > 1 ? volume : { ...volume, emptyDir: {} };
}

/** What is limited and not requested is requested to the limit. */
function withRequests(container: Container): Container {
  const { limits } = container.resources;
  if (!limits) return container;
  const requests = { ...limits, ...container.resources.requests };
  return { ...container, resources: { ...container.resources, requests } };
}
