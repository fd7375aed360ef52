import type { Plan } from "../../runtime/controller.ts";
import { baseStatus, finish } from "../status/finish.ts";
import type { Pass } from "../situation/pass.ts";
import { scaleCurrent } from "../parts/scaling.ts";
import type { Situation } from "../situation/situation.ts";

/** One look at a rollout of the strategy blue-green. */
export function blueGreen(situation: Situation, pass: Pass): Plan {
  scaleBlueGreen(situation, pass);
  baseStatus(situation, pass);
  return finish(situation, pass);
}

/** Gives the sets their sizes. */
export function scaleBlueGreen(situation: Situation, pass: Pass): void {
  scaleCurrent(situation, pass, situation.rollout.spec.replicas);
}
