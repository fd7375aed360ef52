import type { ControllerOptions } from "../../core/controllers/mod.ts";
import { type Loop, NOTHING } from "../../core/controllers/runtime/controller.ts";
import { type ConfigMap, configMaps } from "../../core/resources/core/config_maps.ts";
import { defineResource, groupResourceOf } from "../../core/resources/resource.ts";
import { object, string } from "../../core/schema/schema.ts";

/** A kind that is not there when the server starts. */
const buoys = defineResource({
  group: "example.com",
  version: "v1",
  kind: "Buoy",
  plural: "buoys",
  shortNames: ["by"],
  namespaced: true,
  schema: object("It floats.", { color: string("What one sees of it.") }),
});

/** Adds the kind Buoy while there is a ConfigMap "buoys", as CustomResourceDefinitions add theirs. */
export function kindSwitch({ catalog }: ControllerOptions): Loop {
  return {
    name: "kind-switch",
    workers: 1,
    start(view) {
      const stop = view.subscribe<ConfigMap>(configMaps, ({ type, object: { metadata } }) => {
        if (metadata.name !== "buoys") return;
        if (type === "DELETED") catalog.remove(groupResourceOf(buoys));
        else catalog.put(buoys);
      });
      return { reconcile: () => NOTHING, stop };
    },
  };
}
