import type { InferOutput } from "valibot";

import { LANGUAGE } from "../definition/language.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { describe } from "./describe.ts";
import type { Language } from "./language-schema.ts";

/** What editors complete with. */
export function addLanguageRoutes(app: Api, { engine }: ApiParts): void {
  app.get("/v1/language", GET, (c) => {
    const { actions } = engine.load("").catalog;
    return c.json({
      keys: LANGUAGE.map(({ key, in: places, description }) => ({ key, in: [...places], description })),
      actions: [...actions.keys()].toSorted(),
    } satisfies InferOutput<typeof Language>);
  });
}

const GET = describe({
  tag: "definitions",
  operationId: "getLanguage",
  access: { role: "viewer", over: "anything" },
  summary: "Read what a definition may be written with",
  description:
    "Keys of the saga language and where each may stand, and the actions of the domains: what an editor completes.",
  answers: { 200: { description: "Keys and actions", schema: "Language" } },
});
