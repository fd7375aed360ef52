import {
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  subjectAccessReviews,
} from "./access_reviews.ts";
import { selfSubjectReviews, tokenReviews } from "./identity_reviews.ts";
import type { Review } from "./review.ts";
import { selfSubjectRulesReviews } from "./rules_reviews.ts";

/** Every question that is answered. A new one is one file and one line here. */
export const REVIEWS: readonly Review[] = [
  selfSubjectReviews,
  tokenReviews,
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
];
