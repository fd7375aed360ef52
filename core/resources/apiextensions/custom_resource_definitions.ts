import { withCondition } from "../conditions.ts";
import type { AdmissionContext, KindNames } from "../admission.ts";
import { createdColumn, nameColumn } from "../columns.ts";
import { defineResource } from "../resource.ts";
import { customKind } from "./custom/custom_kind.ts";
import { type Definition, definitionSchema, storageVersionOf } from "./definition/definition.ts";
import { definitionCauses } from "./rules/definition_rules.ts";
import { definitionWarnings } from "./rules/definition_warnings.ts";
import { type TakenNames, withNamesDecided } from "./status/names.ts";

/** Holds a definition that is being deleted until its objects are gone. */
export const CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io";

/** https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/custom-resources/ */
export const customResourceDefinitions = defineResource({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  namespaced: false,
  schema: definitionSchema,
  columns: [nameColumn, createdColumn],
  deletionFinalizers: [CLEANUP_FINALIZER],
  markedDeleted: ({ metadata, ...marked }) => ({
    ...marked,
    metadata: withoutGrace(metadata),
    status: {
      ...marked.status,
      conditions: withCondition(marked.status.conditions, {
        type: "Terminating",
        status: "True",
        reason: "InstanceDeletionPending",
        message:
          "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
      }, Date.parse(metadata.deletionTimestamp!)),
    },
  }),
  prepare: withNameDefaults,
  admit: (next, _previous, context) => admitted(next, context),
  defines: customKind,
  validate: definitionCauses,
  warnings: definitionWarnings,
});

/** Kubernetes marks definitions by itself, without a period of grace, and does not count that as a change. */
function withoutGrace(
  { deletionGracePeriodSeconds: _, generation, ...metadata }: Definition["metadata"],
): Definition["metadata"] {
  return generation === undefined ? metadata : { ...metadata, generation: generation - 1 };
}

/** Names that a client may leave out; the list of stored versions grows by each that becomes the storage version. */
function withNameDefaults(definition: Definition): Definition {
  const { spec, status } = definition;
  const { names } = spec;
  const { singular = names.kind.toLowerCase() } = names;
  const { listKind = names.kind ? `${names.kind}List` : "" } = names;
  const storage = storageVersionOf(definition);
  const isNew = storage !== undefined && !status.storedVersions.includes(storage);
  return {
    ...definition,
    spec: {
      ...spec,
      names: { ...names, ...(singular && { singular }), ...(listKind && { listKind }) },
    },
    ...(isNew && {
      status: { ...status, storedVersions: [...status.storedVersions, storage] },
    }),
  };
}

/** Decides on the names in the turn of the write: when a definition is stored, its kind is served. */
function admitted(definition: Definition, context: AdmissionContext<Definition>): Definition {
  const { claims, settings } = context;
  const { group } = definition.spec;
  const others = takenNames(definition, context.all(), settings.kinds());
  const taken: TakenNames = {
    hasResource: (name) => others.hasResource(name) || claims.has(`${group} resource ${name}`),
    hasKind: (name) => others.hasKind(name) || claims.has(`${group} kind ${name}`),
  };
  const next = withNamesDecided(definition, taken, settings.clock.now());
  const { plural, singular, shortNames = [], kind, listKind } = next.status.acceptedNames;
  for (const name of [plural, singular, ...shortNames]) {
    if (name) claims.add(`${group} resource ${name}`);
  }
  for (const name of [kind, listKind]) if (name) claims.add(`${group} kind ${name}`);
  return next;
}

/** The names in the group of a definition that others have: definitions, and kinds that are built in. */
export function takenNames(
  { metadata, spec: { group, names } }: Definition,
  definitions: readonly Definition[],
  kinds: readonly KindNames[],
): TakenNames {
  const resources = new Set<string>();
  const kindNames = new Set<string>();
  const take = ({ plural, singular, shortNames = [], kind, listKind }: Partial<KindNames>) => {
    for (const name of [plural, singular, ...shortNames]) if (name) resources.add(name);
    for (const name of [kind, listKind ?? (kind && `${kind}List`)]) if (name) kindNames.add(name);
  };
  for (const other of definitions) {
    if (other.spec.group === group && other.metadata.name !== metadata.name) {
      take(other.status.acceptedNames);
    }
  }
  for (const kind of kinds) {
    if (kind.group === group && !kind.definedBy && kind.plural !== names.plural) take(kind);
  }
  return {
    hasResource: (name) => resources.has(name),
    hasKind: (name) => kindNames.has(name),
  };
}

export type CustomResourceDefinition = Definition;
