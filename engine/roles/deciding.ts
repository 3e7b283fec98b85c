import { existsSync } from "node:fs";
import { ConfigError } from "../config.ts";
import type { Evaluator } from "../core/evaluate.ts";
import { createEvaluator } from "../definition/expression.ts";
import { DefinitionDesk } from "../dispatcher/definition-desk.ts";
import { Revisions } from "../dispatcher/revisions.ts";
import { startTopics } from "../dispatcher/start-messages.ts";
import { SagaChanges } from "../dispatcher/saga-changes.ts";
import { Transitions } from "../dispatcher/transitions.ts";
import type { Parts } from "./parts.ts";

/** What decides sagas, for the roles that do: the dispatcher by events, the API by calls. One a process. */
export interface Deciding {
  readonly changes: SagaChanges;
  readonly revisions: Revisions;
  readonly evaluator: Evaluator;
  readonly transitions: Transitions;
  readonly desk: DefinitionDesk;
}

/** Takes the definitions in, and goes on doing so. */
export async function openDeciding({ config, sql, known, groups, log, closing }: Parts): Promise<Deciding> {
  if (!existsSync(config.domains)) throw new ConfigError(`EKIDEN_DOMAINS: there is no folder ${config.domains}`);
  const { domains: folder, production } = config;
  const desk = new DefinitionDesk({ sql, folder, domains: known, production, log });
  await desk.start();
  closing.add(() => desk.stop());
  groups.alsoKnow(() => startTopics(desk.definitions));
  const revisions = new Revisions();
  const evaluator = createEvaluator();
  return {
    changes: new SagaChanges(),
    revisions,
    evaluator,
    transitions: new Transitions(revisions, evaluator, config.consumer),
    desk,
  };
}
