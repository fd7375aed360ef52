import type { Pass } from "../situation/pass.ts";
import type { Situation } from "../situation/situation.ts";

/** Begins and ends the experiment of the current step. */
export function runExperimentStep(_situation: Situation, _pass: Pass): void {}

/** Deletes the experiments of a template whose set goes. */
export function deleteExperimentsOfHash(_situation: Situation, _pass: Pass, _hash: string): void {}
