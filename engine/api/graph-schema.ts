import * as v from "valibot";

const place = v.number();

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
  v.strictObject({ x: place, y: place, text: v.string() }),
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
