/** Indexes of a Job as a text: `1,3-5,7`, in rising order. */

/** Why a text names no indexes below `completions`, or how many it names. In Kubernetes' words. */
export function indexesIn(
  text: string,
  completions: number,
): { count: number } | { fault: string } {
  if (text === "") return { count: 0 };
  let count = 0;
  let last: number | undefined;
  for (const part of text.split(",")) {
    const interval = intervalOf(part, completions);
    if ("fault" in interval) return interval;
    if (last !== undefined && last >= interval.first) {
      return { fault: `non-increasing order, previous: ${last}, current: ${interval.first}` };
    }
    count += interval.last - interval.first + 1;
    last = interval.last;
  }
  return { count };
}

/** The first index that both texts name. Parts that are no intervals are passed over. */
export function commonIndex(a: string, b: string, completions: number): number | undefined {
  const [left, right] = [intervalsIn(a, completions), intervalsIn(b, completions)];
  for (let i = 0, j = 0; i < left.length && j < right.length;) {
    const [x, y] = [left[i]!, right[j]!];
    if (x.first <= y.last && y.first <= x.last) return Math.max(x.first, y.first);
    if (x.first <= y.first) i++;
    else j++;
  }
  return undefined;
}

interface Interval {
  first: number;
  last: number;
}

function intervalsIn(text: string, completions: number): Interval[] {
  if (text === "") return [];
  return text.split(",").map((part) => intervalOf(part, completions))
    .filter((interval) => "first" in interval);
}

function intervalOf(part: string, completions: number): Interval | { fault: string } {
  const ends = part.split("-");
  if (ends.length > 2) {
    return {
      fault: `the fragment ${
        JSON.stringify(part)
      } violates the requirement that an index interval can have at most two parts separated by '-'`,
    };
  }
  const fault = ends.map((end) => endFault(end, completions)).find((each) => each !== undefined);
  if (fault !== undefined) return { fault };
  const [first = 0, last] = ends.map(Number);
  if (last === undefined) return { first, last: first };
  return first < last
    ? { first, last }
    : { fault: `non-increasing order, previous: ${first}, current: ${last}` };
}

function endFault(end: string, completions: number): string | undefined {
  if (!/^[+]?[0-9]+$/.test(end) || !Number.isSafeInteger(Number(end))) {
    return `cannot convert string to integer for index: ${JSON.stringify(end)}`;
  }
  return Number(end) >= completions ? `too large index: ${JSON.stringify(end)}` : undefined;
}
