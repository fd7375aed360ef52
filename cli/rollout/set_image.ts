import { withEachContainer } from "../../core/resources/core/pods/spec/pod_containers.ts";
import { isRefusal } from "../../core/client/api_error.ts";
import { CommandError } from "../../server/command_error.ts";
import { type Cluster, ROLLOUTS } from "./cluster/cluster.ts";
import type { PodTemplate, Rollout, Workload } from "./cluster/objects.ts";
import { templateHolderOf } from "./cluster/workload.ts";

const ATTEMPTS_MAX = 5;
/** Of all containers. */
const ANY = "*";

export interface ImageChange {
  container: string;
  image: string;
}

/** `app=nginx:1.28`, or `*=nginx:1.28` for all containers. */
export function imageChangeOf(text: string): ImageChange {
  const [container, image, ...rest] = text.split("=");
  if (!container || !image || rest.length > 0) {
    throw new CommandError(`Cannot set the image "${text}": it must be CONTAINER=IMAGE`);
  }
  return { container, image };
}

/** Changes the image in the template that a rollout rolls out. Resolves with what was changed: `rollout "web"`. */
export async function setImage(
  cluster: Cluster,
  name: string,
  change: ImageChange,
): Promise<string> {
  for (let attempt = 1;; attempt++) {
    try {
      return await setOnce(cluster, name, change);
    } catch (error) {
      if (!isRefusal(error, "Conflict") || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function setOnce(cluster: Cluster, name: string, change: ImageChange): Promise<string> {
  const rollout = await cluster.get<Rollout>(ROLLOUTS, name);
  const { place, name: holderName, pointer } = templateHolderOf(rollout);
  const holder: Workload = rollout.spec.workloadRef
    ? await cluster.get<Workload>(place, holderName)
    : rollout;
  const changed: Workload = pointer === "/template"
    ? { ...holder, template: withImage(holder.template, change) }
    : { ...holder, spec: { ...holder.spec, template: withImage(holder.spec?.template, change) } };
  const { kind = place.plural, metadata } = await cluster.replace(place, changed);
  return `${kind.toLowerCase()} "${metadata.name}"`;
}

function withImage(template: PodTemplate = {}, change: ImageChange): PodTemplate {
  let isFound = false;
  const spec = template.spec && withEachContainer(template.spec, (container) => {
    if (change.container !== ANY && container.name !== change.container) return container;
    isFound = true;
    return { ...container, image: change.image };
  });
  if (isFound) return { ...template, spec: spec! };
  throw new CommandError(`unable to find container named "${change.container}"`);
}
