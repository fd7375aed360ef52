import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { integer, object, present, string, time } from "../../schema/schema.ts";

/** https://kubernetes.io/docs/concepts/architecture/leases/ */
export const leases = defineResource({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
  volatile: true,
  needsVersion: true,
  columns: [
    nameColumn,
    {
      name: "Holder",
      description: "Who holds it.",
      value: ({ spec }) => spec.holderIdentity ?? "",
    },
    ageColumn,
  ],
  schema: object("Says who holds something, and for how long.", {
    spec: present(object("Who holds it.", {
      holderIdentity: string("Who holds it."),
      leaseDurationSeconds: integer("Seconds that it holds after a renewal.", { minimum: 1 }),
      acquireTime: time("When the holder got it."),
      renewTime: time("When the holder last renewed it."),
      leaseTransitions: integer("How often the holder has changed.", { minimum: 0 }),
      strategy: string("How the holder is chosen."),
      preferredHolder: string("To whom the holder should give it."),
    })),
  }),
});

export type Lease = ObjectOf<typeof leases>;
