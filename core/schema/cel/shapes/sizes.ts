import type { SizeAt } from "../estimate/estimate.ts";
import type { Shape } from "./shapes.ts";

/** Sizes in what a variable holds, by its shape. Source: apiextensions pkg/apiserver/schema/cel (sizeEstimator) */
export function sizesOf(root: Shape): SizeAt {
  return ([, ...path]) => {
    let shape: Shape | undefined = root;
    for (const name of path) {
      if (name === "@keys") return shape?.values && { min: 0, max: 0 };
      const isElement = name === "@items" || name === "@values";
      shape = isElement ? shape?.items ?? shape?.values : shape?.fields?.get(name)?.shape;
      if (!shape) return undefined;
    }
    return { min: 0, max: shape.maxElements ?? 0 };
  };
}
