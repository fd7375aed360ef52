import type { ImageReference } from "../runtimes/image_reference.ts";
import type { RegistryCredentials } from "../runtimes/container_runtime.ts";
import type { RegistryEntry } from "./registry_credentials.ts";

/** Where credentials for `docker.io` are kept. */
const DOCKER_HUB = "index.docker.io";
/** Each of them is a pull of its own. */
const CREDENTIALS_MAX = 16;

/**
 * The credentials to try for an image, in order: those of the longest place that has it first. Those of Docker Hub
 * count for its images when no other do. Pure.
 * https://kubernetes.io/docs/concepts/containers/images/#config-json
 */
export function credentialsFor(
  { registry, repository }: Pick<ImageReference, "registry" | "repository">,
  entries: readonly RegistryEntry[],
): RegistryCredentials[] {
  const name = `${registry}/${repository}`;
  const byPlace = Map.groupBy(entries, ({ place }) => place);
  const at = (place: string) => (byPlace.get(place) ?? []).map(({ credentials }) => credentials);
  const places = [...byPlace.keys()].filter((place) => isPlaceOf(place, name));
  const found = places.toSorted().toReversed().flatMap(at);
  const known = found.length > 0 || registry !== "docker.io" ? found : at(DOCKER_HUB);
  return known.slice(0, CREDENTIALS_MAX);
}

/**
 * Whether a place is that of an image. Each part of a host between dots is a pattern of its own, so that `*.io` does not
 * match `registry.k8s.io`; ports are equal; the path is a prefix, letter by letter. Pure.
 */
export function isPlaceOf(place: string, image: string): boolean {
  const [wanted, actual] = [splitPlace(place), splitPlace(image)];
  return wanted.port === actual.port && wanted.parts.length === actual.parts.length &&
    actual.path.startsWith(wanted.path) &&
    wanted.parts.every((pattern, i) => matches(pattern, actual.parts[i]!));
}

function splitPlace(place: string): { parts: string[]; port: string; path: string } {
  const slash = place.indexOf("/");
  const authority = slash < 0 ? place : place.slice(0, slash);
  const [, host = "", port = ""] = /^(.*?)(?::([^:\]]*))?$/s.exec(authority) ?? [];
  return { parts: host.split("."), port, path: slash < 0 ? "" : place.slice(slash) };
}

/** One character of a pattern: any, one of some, or itself. */
type Test = (character: string) => boolean;

/** As Go's `path.Match` does, within pattern × text steps. A pattern that is not valid matches nothing. */
function matches(pattern: string, text: string): boolean {
  const tests = testsOf(pattern);
  if (tests === undefined) return false;
  let [at, from, star, retry] = [0, 0, -1, 0];
  while (from < text.length) {
    const test = tests[at];
    if (test === "*") [star, retry] = [at++, from];
    else if (test?.(text[from]!)) [at, from] = [at + 1, from + 1];
    else if (star < 0) return false;
    else [at, from] = [star + 1, ++retry]; // the last star takes one character more
  }
  return tests.slice(at).every((test) => test === "*");
}

function testsOf(pattern: string): (Test | "*")[] | undefined {
  const tests: (Test | "*")[] = [];
  for (let rest = pattern; rest !== "";) {
    const token = /^(?:\*+|\?|\[(\^?)((?:\\?[^\]\\]|\\\])+)\]|\\(.)|([^\\[]))/su.exec(rest);
    if (token === null) return undefined;
    const [text, isNot, set, escaped, plain] = token;
    tests.push(
      text[0] === "*"
        ? "*"
        : text === "?"
        ? () => true
        : set === undefined
        ? (character) => character === (escaped ?? plain)
        : setTest(set, isNot === "^"),
    );
    rest = rest.slice(text.length);
  }
  return tests;
}

/** `a-z5`: ranges and characters. */
function setTest(set: string, isNot: boolean): Test {
  const ranges = [...set.matchAll(/\\?(.)(?:-\\?(.))?/gsu)]
    .map(([, low, high]) => [low!, high ?? low!] as const);
  return (character) =>
    ranges.some(([low, high]) => character >= low && character <= high) !== isNot;
}
