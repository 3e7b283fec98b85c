import * as v from "valibot";

import { WORD_NAMES } from "../graph/words.ts";

const place = v.number();

const Words = v.nullable(
  v.strictObject({
    word: v.pipe(v.picklist(WORD_NAMES), v.examples(["deadline"])),
    what: v.pipe(v.string(), v.description("What of the author's stands in it"), v.examples(["5m"])),
  }),
);

export const GraphBox = v.pipe(
  v.strictObject({
    x: place,
    y: place,
    width: place,
    height: place,
    kind: v.pipe(
      v.string(),
      v.description("Kind of the step, or start, completed, if, join, undo"),
      v.examples(["command"]),
    ),
    lines: v.pipe(v.array(v.string()), v.description("What it says; the first is its title")),
    words: v.pipe(
      v.array(Words),
      v.description("Of each line: which of the engine's words it is, for another language; null: the author's own"),
    ),
    pivot: v.boolean(),
    attempts: v.pipe(
      v.nullable(v.number()),
      v.description(
        "How often its retry policy has a command sent, the first time included; null: for ever, or no command",
      ),
      v.examples([5]),
    ),
    path: v.pipe(
      v.nullable(v.string()),
      v.description("Path of the step, without the numbers of items; of an undo, of the step that it undoes"),
      v.examples(["parallel4/mail/welcome_mail"]),
    ),
  }),
  v.description("A step, or how it is undone, in the picture"),
);

export const GraphLine = v.pipe(
  v.strictObject({
    points: v.pipe(v.array(v.strictTuple([place, place])), v.description("Its corners, x and y")),
    style: v.picklist(["next", "catch", "undo"]),
    arrow: v.boolean(),
  }),
  v.description("A line of the picture"),
);

export const GraphLabel = v.pipe(
  v.strictObject({
    x: place,
    y: place,
    text: v.string(),
    words: v.pipe(Words, v.description("Which of the engine's words it is; null: the author's own")),
  }),
  v.description("A text beside a line"),
);

export const Graph = v.pipe(
  v.strictObject({
    width: place,
    height: place,
    boxes: v.array(GraphBox),
    lines: v.array(GraphLine),
    labels: v.array(GraphLabel),
  }),
  v.description("A revision as a picture, top to bottom, laid out"),
);
