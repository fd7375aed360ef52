import { type Step, testSteps } from "../e2e/steps.ts";
import { ALONE_STEPS } from "./alone_steps.ts";
import { DIRECT_STEPS } from "./direct_steps.ts";
import { LINK_STEPS } from "./link_steps.ts";
import { podOnEachNode } from "./site_pods.ts";
import { POOR_STEPS, REST_AGAIN_STEPS, REST_STEPS } from "./poor_steps.ts";
import { labMissing, SitesLab } from "./sites_lab.ts";
import { STREAM_STEPS } from "./stream_steps.ts";
import { TRAFFIC_STEPS } from "./traffic_steps.ts";

const SUBNET = 150;
/** Longer than heartbeats are apart; three times less than the default. */
const GRACE = ["--node-monitor-grace-period", "20s"];

const GROUPS: Readonly<Record<string, readonly Step<SitesLab>[]>> = {
  rest: REST_STEPS,
  streams: STREAM_STEPS,
  traffic: TRAFFIC_STEPS,
  direct: DIRECT_STEPS,
  links: LINK_STEPS,
  alone: ALONE_STEPS,
  restAgain: REST_AGAIN_STEPS,
  poor: POOR_STEPS,
};
/** What takes longer than it tells: a minute at 64 kbit/s. */
const ASKED_FOR = ["poor"];

testSteps({
  name: "two sites behind routers that let nothing in",
  missing: labMissing(),
  start: () => SitesLab.start({ subnet: SUBNET, args: GRACE }),
  steps: [
    { name: "machines become nodes by the command of a token", run: joins },
    { name: "pods run on each node", run: podOnEachNode },
    ...chosenSteps(),
  ],
});

function isLong(): boolean {
  return (Deno.env.get("SITES") ?? "").split(",").includes("all");
}

/** All but what has to be asked for; with e.g. `SITES=links,alone` these groups only. */
function chosenSteps(): Step<SitesLab>[] {
  const chosen = (Deno.env.get("SITES") ?? "").split(",").filter((name) => name in GROUPS);
  const names = chosen.length > 0
    ? chosen
    : Object.keys(GROUPS).filter((name) => isLong() || !ASKED_FOR.includes(name));
  return names.flatMap((name) => GROUPS[name]!);
}

async function joins(lab: SitesLab): Promise<void> {
  for (const site of lab.sites) {
    await lab.join(site);
    await lab.startJoined(site);
  }
  for (const site of lab.sites) await lab.nodeIs(site, "True");
}
