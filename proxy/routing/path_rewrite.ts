import type { PathRewrite } from "../table/route_table.ts";
import { pathAfter } from "./normal_path.ts";

/** The target of a request after a rewrite. https://gateway-api.sigs.k8s.io/reference/spec/#httppathmodifier */
export function rewrittenTarget(
  target: string,
  { type, value }: PathRewrite,
  prefix: string,
): string {
  if (!target.startsWith("/")) return target; // OPTIONS *
  const queryStart = target.indexOf("?");
  const path = queryStart < 0 ? target : target.slice(0, queryStart);
  const query = queryStart < 0 ? "" : target.slice(queryStart);
  if (type === "ReplaceFullPath") return (value || "/") + query;
  const rest = pathAfter(path, prefix);
  return ((value.replace(/\/+$/, "") + rest) || "/") + query;
}
