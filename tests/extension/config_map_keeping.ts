import {
  type ControllerWithMemory,
  keyOf,
  type Loop,
  loopOf,
  NOTHING,
  plan,
  update,
} from "../../core/controllers/runtime/controller.ts";
import { isEqual } from "../../core/lib/equality.ts";
import { type ConfigMap, configMaps } from "../../core/resources/core/config_maps.ts";

interface Kept {
  uid: string;
  data: NonNullable<ConfigMap["data"]>;
}

/** A controller with memory: a ConfigMap with the label `keep` gets back the data that it had when it was first seen. */
const keeper: ControllerWithMemory<ConfigMap, Kept> = {
  name: "config-map-keeper",
  resource: configMaps,
  watches: [],
  workers: 1,
  reconcile(configMap, _view, _nowMs, { memory }) {
    const { metadata, data = {} } = configMap;
    if (metadata.labels?.["keep"] === undefined) return NOTHING;
    const { uid } = metadata;
    const before = memory.get(keyOf(metadata));
    const kept = before?.uid === uid ? before : { uid, data };
    const annotations = { ...metadata.annotations, "example.com/kept": "true" };
    const next = { ...configMap, metadata: { ...metadata, annotations }, data: kept.data };
    const writes = isEqual(next, configMap) ? [] : [update(configMaps, next)];
    return { ...plan(writes), remember: [[keyOf(metadata), kept]] };
  },
  gone: (name) => ({ ...NOTHING, remember: [[keyOf(name), undefined]] }),
};

export const configMapKeeping = (): Loop => loopOf(keeper);
