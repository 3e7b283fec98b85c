import type { Json } from "../core/json.ts";
import { durationText } from "./plan.ts";
import type { Entry, Run } from "./story.ts";

/** More of a message than this tells nobody anything in a line. */
const DATA_MAX = 120;

const ARROWS: Readonly<Record<Entry["kind"], string>> = {
  sent: "→",
  answered: "←",
  step: "·",
  timer: "◷",
  signal: "⇢",
  cancel: "⇢",
  refused: "✗",
  saga: "■",
};

/** A simulated saga for people: what happened when, then how it stands. `whole`: message bodies are not cut. */
export function runText(run: Run, whole = false): string {
  return [...entryLines(run.entries, whole), "", ...summaryLines(run, whole)].join("\n");
}

/** One line for each thing that happened: time, step, what. */
function entryLines(entries: readonly Entry[], whole: boolean): string[] {
  const times = entries.map(({ atMs }) => durationText(atMs));
  const timeWidth = Math.max(0, ...times.map((time) => time.length));
  const stepWidth = Math.max(0, ...entries.map(({ step = "" }) => step.length));
  return entries.map(({ kind, step = "", text, data }, index) => {
    const time = (times[index] ?? "").padStart(timeWidth);
    const shown = data === undefined ? "" : `  ${dataText(data, whole)}`;
    return `${time}  ${ARROWS[kind]} ${step.padEnd(stepWidth)}  ${text}${shown}`.trimEnd();
  });
}

function summaryLines(run: Run, whole: boolean): string[] {
  const { error, output, uncompensated, waitingFor, unused } = run;
  const at = error?.step === undefined || error.step === "" ? "" : ` at ${error.step}`;
  return [
    `path    ${run.steps.length === 0 ? "no step" : run.steps.join(", ")}`,
    `status  ${run.status} after ${durationText(run.endedAtMs)}${ENDED[run.ended]}`,
    ...(error === undefined ? [] : [`error   ${error.code}${at}${error.message === "" ? "" : `: ${error.message}`}`]),
    ...(output === undefined ? [] : [`output  ${dataText(output, whole)}`]),
    ...uncompensated.map(({ step, reason }) => `not undone: ${step} (${reason})`),
    ...(waitingFor.length === 0 ? [] : [`waits for ${waitingFor.join(", ")}`]),
    ...unused.map((what) => `never used: ${what}`),
  ];
}

const ENDED: Readonly<Record<Run["ended"], string>> = {
  "at-rest": "",
  time: ", when the simulation stops",
  "too-long": ", stopped: it goes on and on",
};

function dataText(data: Json, whole: boolean): string {
  const text = JSON.stringify(data);
  return whole || text.length <= DATA_MAX ? text : `${text.slice(0, DATA_MAX - 1)}…`;
}
