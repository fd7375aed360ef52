import type { Node } from "../../resources/core/nodes/nodes.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { containersInRoles } from "../../resources/core/pods/spec/pod_containers.ts";
import { type Plugin, type Score, tallyingPlugin } from "../plugin.ts";
import type { Snapshot } from "../snapshot.ts";

const MIB = 1024 * 1024;
/** Images that are smaller make no difference. */
const BYTES_MIN = 23 * MIB;
/** So large counts an image at most. */
const BYTES_MAX = 1000 * MIB;

/** The sizes of the images on a node, by all of their names, in bytes. */
export type ImageSizes = ReadonlyMap<string, number>;
/** On how many nodes an image is, by all of its names. */
export type ImageCounts = Map<string, number>;

const NO_IMAGES: ImageSizes = new Map();

/** Prefers nodes that have the images of the pod already. Kubernetes: `plugins/imagelocality`. */
export const imageLocality: Plugin = tallyingPlugin<ImageSizes, ImageCounts>({
  name: "ImageLocality",
  tally: { begin: sizesOn, add() {}, remove() {} },
  clusterTally: {
    begin: () => new Map(),
    addNode: (counts, node) => count(counts, node, 1),
    removeNode: (counts, node) => count(counts, node, -1),
  },
  score: presence,
});

function sizesOn({ status: { images } }: Node): ImageSizes {
  if (images === undefined) return NO_IMAGES;
  return new Map(
    images.flatMap(({ names = [], sizeBytes = 0 }) =>
      names.map((name) => [name, Number(sizeBytes)] as const)
    ),
  );
}

function count(counts: ImageCounts, node: Node, by: 1 | -1): void {
  for (const name of sizesOn(node).keys()) {
    const nodes = (counts.get(name) ?? 0) + by;
    if (nodes === 0) counts.delete(name);
    else counts.set(name, nodes);
  }
}

function presence(
  { spec }: Pod,
  { nodes }: Snapshot,
  counts: ImageCounts,
): Score<ImageSizes> | undefined {
  const images = containersInRoles(spec, "init", "sidecar", "main").map(({ image = "" }) =>
    withTag(image)
  );
  const shares = images.map((image) => ({
    image,
    share: (counts.get(image) ?? 0) / nodes.length,
  })).filter(({ share }) => share > 0);
  if (shares.length === 0) return undefined;
  const most = BYTES_MAX * images.length;
  return (_node, sizes) => {
    let sum = 0;
    for (const { image, share } of shares) sum += Math.floor((sizes.get(image) ?? 0) * share);
    const bounded = Math.min(most, Math.max(BYTES_MIN, sum));
    return Math.floor(100 * (bounded - BYTES_MIN) / (most - BYTES_MIN));
  };
}

/** As the name is in the status of a node. Kubernetes: `normalizedImageName`. */
function withTag(image: string): string {
  return image.lastIndexOf(":") <= image.lastIndexOf("/") ? `${image}:latest` : image;
}
