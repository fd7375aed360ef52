import type { VolumeType } from "../../agent/volumes/volume_type.ts";
import { writeVolume } from "../../agent/volumes/key_files.ts";
import { services } from "../../core/resources/core/services/services.ts";
import { object, required, string } from "../../core/schema/schema.ts";

/** A volume with a file `address`: where a Service of the pod's namespace is. It follows the Service. */
export const serviceCards: VolumeType<{ service: string }> = {
  field: "serviceCard",
  schema: object("A card with the address of a Service.", {
    service: required(string("Name of the Service.")),
  }),
  isReadOnly: true,
  reads: [services],
  references: ({ service }) => [{ resource: services, name: service }],
  make: async (volume, { view, nowMs }) => {
    const { namespace } = volume.pod.metadata;
    const service = view.get(services, { namespace, name: volume.source.service });
    if (service === undefined) throw new Error(`service "${volume.source.service}" not found`);
    const bytes = new TextEncoder().encode(`${service.spec.clusterIP}\n`);
    await writeVolume(volume, [{ path: "address", bytes, mode: 0o644 }], nowMs);
  },
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: false }),
};
