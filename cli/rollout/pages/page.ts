import { type Cell, coloured, linesOf, type Style, textOf } from "./styled_text.ts";
import { type ExperimentInfo, imagesOfExperiment } from "../summary/experiments.ts";
import type { Image } from "../summary/images.ts";
import { imagesOf, type MeasuredWeight, type RolloutInfo } from "../summary/rollout_info.ts";
import { experimentRows, rolloutRows } from "./tree.ts";

const LABEL_WIDTH = 17;

type Field = readonly [label: string, value: Cell];

/** What `coracle rollout get` shows of a rollout, line by line. */
export function rolloutPage(info: RolloutInfo, nowMs: number, style: Style): string[] {
  const fields: Field[] = [
    ...headFields(info),
    ["Strategy:", info.strategy],
    ...canaryFields(info),
    ...imageFields(imagesOf(info)),
    ["Replicas:", ""],
    ["  Desired:", `${info.desired}`],
    ["  Current:", `${info.current}`],
    ["  Updated:", `${info.updated}`],
    ["  Ready:", `${info.ready}`],
    ["  Available:", `${info.available}`],
  ];
  return pageOf(fields, rolloutRows(info, nowMs), style);
}

export function experimentPage(info: ExperimentInfo, nowMs: number, style: Style): string[] {
  const fields = [...headFields(info), ...imageFields(imagesOfExperiment(info))];
  return pageOf(fields, experimentRows(info, nowMs), style);
}

function pageOf(fields: readonly Field[], rows: Cell[][], style: Style): string[] {
  const head = fields.map(([label, value]) =>
    `${label.padEnd(LABEL_WIDTH)}${textOf(value, style)}`.trimEnd()
  );
  return [...head, "", ...linesOf(rows, style)];
}

function headFields({ objectMeta, icon, status, message }: RolloutInfo | ExperimentInfo): Field[] {
  return [
    ["Name:", objectMeta.name],
    ["Namespace:", objectMeta.namespace ?? ""],
    ["Status:", [coloured(icon), ` ${status}`]],
    ...(message === "" ? [] : [["Message:", message] as const]),
  ];
}

function canaryFields(info: RolloutInfo): Field[] {
  if (info.strategy !== "Canary") return [];
  return [
    ["  Step:", info.step ?? ""],
    ["  SetWeight:", info.setWeight ?? ""],
    ["  ActualWeight:", info.actualWeight ?? ""],
    ...(info.measuredWeight ? [["  Measured:", measuredText(info.measuredWeight)] as const] : []),
  ];
}

function measuredText({ weight, requests, seconds }: MeasuredWeight): string {
  return `${weight} (${requests} requests in ${seconds}s)`;
}

function imageFields(images: readonly Image[]): Field[] {
  return images.map((image, index) => [index === 0 ? "Images:" : "", imageCell(image)]);
}

function imageCell({ image, tags }: Image): Cell {
  if (tags.length === 0) return image;
  const names = tags.flatMap((tag, index) => index === 0 ? [coloured(tag)] : [", ", coloured(tag)]);
  return [`${image} (`, ...names, ")"];
}
