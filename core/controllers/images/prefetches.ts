import type { View } from "../../client/client.ts";
import { type Deployment, deployments } from "../../resources/apps/deployments.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { containersOf } from "../../resources/core/pods/spec/pod_containers.ts";
import { type Secret, secrets } from "../../resources/core/secrets.ts";
import { serviceAccounts } from "../../resources/core/service_accounts.ts";
import {
  matches,
  parseLabelSelector,
  type Selector,
  SelectorError,
  selectorOf,
} from "../../schema/selectors.ts";

/**
 * Annotation of a Deployment whose images nodes fetch before they need them: `true` for those where its pods may run by its
 * nodeSelector, else a label selector of nodes.
 */
export const PREFETCH = "coracle.dev/prefetch";

/** An image that a node is to have. */
export interface Prefetch {
  deployment: Deployment;
  node: string;
  image: string;
  /** What it is pulled with. */
  secrets: readonly Secret[];
}

/** What is wrong with the annotation of a Deployment. */
export interface PrefetchFault {
  deployment: Deployment;
  message: string;
}

/** What all nodes are to have ahead, each image of a node once. Pure. */
export function prefetchesOf(
  view: Pick<View, "list" | "get">,
): { wanted: Prefetch[]; faults: PrefetchFault[] } {
  const wanted = new Map<string, Prefetch>();
  const faults: PrefetchFault[] = [];
  for (const deployment of view.list(deployments)) {
    const text = deployment.metadata.annotations?.[PREFETCH];
    if (text === undefined || text === "false" || deployment.metadata.deletionTimestamp) continue;
    const selector = selectorIn(text, deployment);
    if (typeof selector === "string") {
      faults.push({ deployment, message: selector });
      continue;
    }
    const used = secretsOf(deployment, view);
    for (const node of view.list(nodes).filter((node) => takesImages(node, selector))) {
      for (const image of imagesOf(deployment)) {
        const key = `${node.metadata.name} ${image}`;
        if (wanted.has(key)) continue;
        wanted.set(key, { deployment, node: node.metadata.name, image, secrets: used });
      }
    }
  }
  return { wanted: [...wanted.values()], faults };
}

function selectorIn(text: string, { spec: { template } }: Deployment): Selector | string {
  if (text === "true") return selectorOf({ matchLabels: template.spec.nodeSelector ?? {} });
  try {
    return parseLabelSelector(text);
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    return `Cannot fetch images ahead: the annotation ${PREFETCH} is neither "true" nor a label selector: ${error.message}`;
  }
}

function takesImages({ metadata, status }: Node, selector: Selector): boolean {
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" && matches(selector, metadata.labels);
}

function imagesOf({ spec: { template: { spec } } }: Deployment): string[] {
  const images = containersOf(spec).flatMap(({ container: { image, imagePullPolicy } }) =>
    image && imagePullPolicy !== "Never" ? [image] : []
  );
  return [...new Set(images)];
}

/** Those of the template, else those of its account, as the admission of its pods chooses them. */
function secretsOf({ metadata, spec }: Deployment, view: Pick<View, "get">): Secret[] {
  const { namespace } = metadata;
  const { imagePullSecrets = [], serviceAccountName: name = "default" } = spec.template.spec;
  const place = { ...namespace !== undefined && { namespace } };
  const named = imagePullSecrets.length > 0
    ? imagePullSecrets
    : view.get(serviceAccounts, { ...place, name })?.imagePullSecrets ?? [];
  return named.flatMap(({ name }) => {
    const secret = name ? view.get(secrets, { ...place, name }) : undefined;
    return secret ? [secret] : [];
  });
}
