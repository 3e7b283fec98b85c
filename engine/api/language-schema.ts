import * as v from "valibot";

export const LanguageKey = v.pipe(
  v.strictObject({
    key: v.pipe(v.string(), v.examples(["command"])),
    in: v.pipe(
      v.array(v.string()),
      v.description("Maps in which it may stand: `file`, `step` of any kind, a kind of step, or one with a name"),
      v.examples([["command"]]),
    ),
    description: v.string(),
  }),
  v.description("A key of the saga language"),
);

export const Language = v.pipe(
  v.strictObject({
    keys: v.array(LanguageKey),
    actions: v.pipe(
      v.array(v.string()),
      v.description("Actions of the domains that are known"),
      v.examples([["screening.examine"]]),
    ),
  }),
  v.description("What a definition may be written with"),
);
