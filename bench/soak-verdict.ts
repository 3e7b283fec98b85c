import type { Counts } from "./open-load.ts";

/** What a soak held and what came of it. */
export interface Held extends Counts {
  readonly rate: number;
  readonly seconds: number;
  readonly samples: number;
  /** Looks that showed nothing: the engine or its database did not answer. */
  readonly missed: number;
  /** Sagas that were open a minute after the end. */
  readonly left: number;
}

/** Of the starts that its rate and time ask for; a soak with fewer has not held its rate. */
const SHARE_MIN = 0.9;

/** Why a soak proves nothing, or the contrary; none: it is what it says. */
export function shortcomings(held: Held): readonly string[] {
  const { rate, seconds, samples, missed, started, refused, dropped, failed, left } = held;
  const wanted = rate * seconds;
  return [
    ...(started === 0 ? ["nothing was started"] : []),
    ...(samples === 0 ? ["nobody looked at it"] : []),
    ...(missed > 0 ? [`${missed} looks at it showed nothing`] : []),
    ...(started > 0 && started < wanted * SHARE_MIN
      ? [
          `${started} of ${Math.round(wanted)} starts were accepted, less than ${SHARE_MIN * 100} % (${refused} refused, ${dropped} not sent)`,
        ]
      : []),
    ...(failed > 0 ? [`${failed} calls failed`] : []),
    ...(left > 0 ? [`${left} sagas were still open`] : []),
  ];
}
