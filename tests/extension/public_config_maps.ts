import {
  ALLOW,
  type Authorizer,
  NO_OPINION,
  NO_RULES,
  type Rules,
} from "../../core/api/access/authorizer.ts";

/** Lets everybody, also those who have not said who they are, read the ConfigMaps that are called "public". */
export const publicConfigMaps: Authorizer = {
  authorize: (_user, attributes) => {
    if (!attributes.isResource || attributes.verb !== "get") return NO_OPINION;
    const { group, resource, name } = attributes;
    const isPublic = group === "" && resource === "configmaps" && name === "public";
    return Promise.resolve(isPublic ? ALLOW : NO_OPINION); // as one that asks somebody else
  },
  rulesFor: (): Rules => ({ ...NO_RULES, evaluationError: "one may read what is called public" }),
};
