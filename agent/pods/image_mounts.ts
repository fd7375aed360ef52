import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { Secret } from "../../core/resources/core/secrets.ts";
import type { ImagePuller } from "../images/image_puller.ts";
import { ConfigError } from "../runtimes/config_error.ts";
import type { ImageMount } from "../runtimes/container_runtime.ts";
import type { PodEvents } from "./pod_events.ts";

/** An image that a container mounts. */
interface WantedImageMount extends ImageMount {
  policy: "Always" | "IfNotPresent" | "Never";
}

/** Sees to it that the images whose files containers see are there. They are pulled as images of containers are. */
export class ImageMounts {
  readonly #images: Pick<ImagePuller, "ensure">;
  readonly #events: PodEvents;

  constructor(images: Pick<ImagePuller, "ensure">, events: PodEvents) {
    this.#images = images;
    this.#events = events;
  }

  /** What the runtime is to mount; nothing when there are none. */
  async of(
    pod: Pod,
    container: Container,
    secretsOf: () => Secret[],
  ): Promise<{ imageMounts?: ImageMount[] }> {
    const imageMounts: ImageMount[] = [];
    for (const { image, containerPath, policy } of imageMountsOf(pod, container)) {
      const onPull = () => this.#events.pulling(pod, container.name, image);
      const ensured = await this.#images.ensure({ image, policy, onPull, secrets: secretsOf() });
      this.#events.pulled(pod, container.name, image, ensured);
      imageMounts.push({ image, containerPath });
    }
    return imageMounts.length === 0 ? {} : { imageMounts };
  }
}

/**
 * The images whose files a container sees. Throws a {@linkcode ConfigError} for a part of one, which no runtime of ours can
 * mount. https://kubernetes.io/docs/concepts/storage/volumes/#image
 */
function imageMountsOf({ spec }: Pod, container: Container): WantedImageMount[] {
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath, subPath, subPathExpr }) => {
    const image = spec.volumes?.find((volume) => volume.name === name)?.image;
    if (image === undefined) return [];
    if (subPath || subPathExpr) {
      throw new ConfigError(
        `failed to prepare subPath for volumeMount "${name}" of container "${container.name}": ` +
          "the runtime mounts only whole images",
      );
    }
    const { reference = "", pullPolicy } = image;
    if (reference === "") throw new ConfigError(`volume "${name}" has no image`);
    const isLatest = !/[:@][^/]*$/.test(reference) || reference.endsWith(":latest");
    const policy = pullPolicy ?? (isLatest ? "Always" : "IfNotPresent");
    return [{ image: reference, containerPath: mountPath, policy }];
  });
}
