import { RuntimeError } from "./container_runtime.ts";

/** Where an image is, written out: registry, repository, tag or digest. */
export interface ImageReference {
  /** Host of the registry, with its port if one is named. */
  registry: string;
  repository: string;
  /** `:tag` or `@algorithm:hex`. */
  version: string;
}

const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const REGISTRY = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.|$|(?=:)))*(?::\d+)?$/;
const VERSION = /^(?::[\w][\w.-]{0,127})?(?:@[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,})?$/;
/** Longest name of a repository, its registry included. */
const NAME_LENGTH_MAX = 255;

/**
 * Parses an image as the kubelet and containerd do: no registry is `docker.io`, no folder there is `library`,
 * no version is `:latest` (https://github.com/distribution/reference). Throws a {@linkcode RuntimeError}
 * `InvalidImageName` in the kubelet's words.
 */
export function parseImageReference(image: string): ImageReference {
  const [, name = "", version = ""] = /^([^@]*?)((?::[^/:@]*)?(?:@.*)?)$/.exec(image) ?? [];
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const hasRegistry = /[.:]/.test(first) || first === "localhost" || /[A-Z]/.test(first);
  const registry = hasRegistry && first !== "index.docker.io" ? first : "docker.io";
  const path = hasRegistry ? name.slice(slash + 1) : name;
  const repository = registry === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  if (/^[^/]*[A-Z]/.test(path) && REPOSITORY.test(repository.toLowerCase())) {
    throw invalid(image, `repository name (${repository}) must be lowercase`);
  }
  if (!REPOSITORY.test(repository) || !REGISTRY.test(registry) || !VERSION.test(version)) {
    throw invalid(image);
  }
  if (registry.length + 1 + repository.length > NAME_LENGTH_MAX) {
    throw invalid(image, `repository name must not be more than ${NAME_LENGTH_MAX} characters`);
  }
  return { registry, repository, version: version || ":latest" };
}

/** The reference in full. With tag and digest the digest decides, and registries want only one. */
export function formatImageReference({ registry, repository, version }: ImageReference): string {
  const at = version.indexOf("@");
  return `${registry}/${repository}${at < 0 ? version : version.slice(at)}`;
}

/** Whether a registry is on this machine: only those may be spoken to without TLS. */
export function isLoopbackRegistry({ registry }: ImageReference): boolean {
  const host = registry.replace(/:\d+$/, "");
  return host === "localhost" || /^127(\.\d{1,3}){3}$/.test(host);
}

function invalid(image: string, detail = ""): RuntimeError {
  return new RuntimeError(
    "InvalidImageName",
    `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ` +
      `invalid reference format${detail && `: ${detail}`}`,
  );
}
