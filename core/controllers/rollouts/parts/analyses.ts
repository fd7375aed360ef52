import type { Pass } from "../situation/pass.ts";
import type { Situation } from "../situation/situation.ts";

/** Begins and ends the analyses of the rollout, and does what they say. */
export function runAnalyses(_situation: Situation, _pass: Pass): void {}

/** Deletes the runs of a template whose set goes. */
export function deleteRunsOfHash(_situation: Situation, _pass: Pass, _hash: string): void {}
