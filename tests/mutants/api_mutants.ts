import type { Mutant } from "./mutants.ts";

const FAN_OUT = "core/api/front/fan_out";

/** Bugs in how the API hands over large lists, and in what it asks admission about. */
export const API_MUTANTS: readonly Mutant[] = [
  {
    name: "lent: what the server writes next overtakes a list that is lent",
    file: "core/api/front/relay.ts",
    search: "if (this.#peer.queue !== undefined || !this.#waiting.isEmpty) return;",
    replace: "if (this.#peer.queue !== undefined) return;",
    tests: ["core/api/front/relay_test.ts"],
  },
  {
    name: "lent: what was lent to a peer that has left never comes back",
    file: "core/api/front/relay.ts",
    search: "    this.#waiting.clear();\n",
    replace: "",
    tests: ["core/api/front/relay_test.ts"],
  },
  {
    name: "lent: a piece is filled anew while it is read",
    file: "core/api/http/parts_writer.ts",
    search: "      await this.#lent?.returned;\n",
    replace: "",
    tests: ["core/api/http/parts_writer_test.ts"],
  },
  {
    name: "lent: the same bytes are sent again and again",
    file: `${FAN_OUT}/waiting_bytes.ts`,
    search: "address + BigInt(passed)",
    replace: "address",
    tests: [`${FAN_OUT}/fan_out_front_test.ts`],
  },
  {
    name: "lent: who lends waits for ever for a thread that has died",
    file: `${FAN_OUT}/fan_out_ring.ts`,
    search: "    this.#loans.returnAll();\n",
    replace: "",
    tests: [`${FAN_OUT}/fan_out_ring_test.ts`],
  },
  {
    name: "kept lists: what has changed since is not seen",
    file: "core/api/watch/kept_lists.ts",
    search: "one.entries.every((entry, index) => entry === other.entries[index])",
    replace: "true",
    tests: ["core/api/watch/kept_lists_test.ts"],
  },
  {
    name: "kept lists: Secrets stay in memory in the clear",
    file: "core/api/watch/kept_lists.ts",
    search: "    if (kind.resource.encrypted) return undefined;\n",
    replace: "",
    tests: ["core/api/watch/kept_lists_test.ts"],
  },
  {
    name: "admission: a deletion by eviction is asked about twice",
    file: "core/objects/subresource_acts.ts",
    search: "dryRun, isAdmitted: true } as const;",
    replace: "dryRun } as const;",
    tests: ["core/objects/asked_requests_test.ts"],
  },
  {
    name: "admission: what a webhook makes of a binding is forgotten",
    file: "core/objects/asked_requests.ts",
    search: "answered.object === object ? sent : answered.object",
    replace: "sent",
    tests: ["core/objects/asked_requests_test.ts"],
  },
  {
    name: "admission: policies see the object instead of its scale",
    file: "core/objects/admission/policies/policy_admission.ts",
    search: "options.shown?.show(object) ?? ",
    replace: "",
    tests: ["core/objects/asked_requests_test.ts"],
  },
  {
    name: "audit: what a policy would have refused is not told",
    file: "core/objects/admission/policies/policy_admission.ts",
    search: 'if (actions.includes("Audit")) {',
    replace: 'if (actions.includes("Deny")) {',
    tests: ["core/objects/admission/policies/policy_admission_test.ts"],
  },
  {
    name: "services: the address of another Service's IPAddress is taken over",
    file: "core/controllers/services/service_ip_addresses.ts",
    search: "if (isOfService && !isOwn && hasAddress(parent, address, view)) return [];",
    replace: "",
    tests: ["core/controllers/services/service_ip_addresses_test.ts"],
  },
];
