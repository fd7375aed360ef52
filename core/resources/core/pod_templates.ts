import { isEqual } from "../../lib/equality.ts";
import { object, required } from "../../schema/schema.ts";
import { imagesText, labelsText, nameColumn, namesText } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { podTemplate } from "./pods/spec/pod_spec.ts";
import { templateCauses, templateWarnings, withTemplatePrepared } from "./pods/template_rules.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-template-v1/ */
export const podTemplates = defineResource({
  group: "",
  version: "v1",
  kind: "PodTemplate",
  plural: "podtemplates",
  namespaced: true,
  generation: "content",
  schema: object("Keeps a template of pods for others to use.", {
    template: required(podTemplate),
  }),
  columns: [
    nameColumn,
    {
      name: "Containers",
      description: "Names of the containers.",
      value: ({ template }) => namesText(template.spec.containers),
    },
    {
      name: "Images",
      description: "Images of the containers.",
      value: ({ template }) => imagesText(template.spec.containers),
    },
    {
      name: "Pod Labels",
      description: "Labels that its pods would have.",
      value: ({ template }) => labelsText(template.metadata?.labels),
    },
  ],
  prepare: (next) => ({ ...next, template: withTemplatePrepared(next.template) }),
  validate: ({ template }, previous) =>
    previous && isEqual(template, previous.template)
      ? []
      : templateCauses(template, previous?.template, "template"),
  warnings: ({ template }, previous) => templateWarnings(template, previous?.template, "template"),
});

export type StoredPodTemplate = ObjectOf<typeof podTemplates>;
