import { ownField } from "../../../lib/own_field.ts";
import { REMOTE_ADDRESS } from "../../../traffic/reach.ts";
import { digestOf } from "../../../client/feed/digests.ts";
import type { Node } from "../../../resources/core/nodes/nodes.ts";

const encoder = new TextEncoder();
/** Labels that say where a node is; others are nobody's business. */
const PLACE = /^topology\.kubernetes\.io\/(zone|region)$/;

/**
 * What a node may know of another: where its pods are, where it is itself, and whether it is ready. Heartbeats and images,
 * which change all the time, are not in it; so its version is made of its content.
 */
export function trimmedNode({ apiVersion, kind, metadata, spec, status }: Node): Node {
  const { name, uid, labels = {} } = metadata;
  const places = Object.entries(labels).filter(([label]) => PLACE.test(label));
  const remote = ownField(metadata.annotations, REMOTE_ADDRESS);
  const { podCIDR, podCIDRs } = spec;
  const { addresses, conditions = [] } = status;
  const ready = conditions.filter(({ type }) => type === "Ready")
    .map(({ type, status }) => ({ type, status }));
  const content = {
    spec: { ...(podCIDR !== undefined && { podCIDR }), ...(podCIDRs && { podCIDRs }) },
    status: { ...(addresses && { addresses }), ...(ready.length > 0 && { conditions: ready }) },
  };
  const known = {
    name,
    uid,
    ...(places.length > 0 && { labels: Object.fromEntries(places) }),
    ...(remote !== undefined && { annotations: { [REMOTE_ADDRESS]: remote } }),
  };
  const digest = digestOf(encoder.encode(JSON.stringify({ known, content })));
  const resourceVersion = `t${digest.toString(36)}`;
  const shown = { apiVersion, kind, metadata: { ...known, resourceVersion }, ...content };
  return shown as unknown as Node; // who reads it knows other nodes by these fields only
}
