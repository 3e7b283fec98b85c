import type { SourceFile } from "./import-rules.ts";
import { codeOf, lineAt } from "./source-text.ts";

/** A word that says what another word already means, what to say instead, and where it means something else. */
interface Synonym {
  readonly word: RegExp;
  readonly instead: string;
  readonly elsewhere?: RegExp;
}

/** Kafka Connect has connectors, tasks and workers of its own. */
const KAFKA_CONNECT =
  /^(?:engine\/(?:transport\/(?:kafka\/|port\.ts)|stack\/)|engine\/(?:api|cli|recovery|console\/src\/pages)\/(?:pipeline|doctor)|docs\/(?:OPERATIONS|CONTAINERS|API)\.md|docs\/adr\/|CHANGELOG\.md)/;

/** There and where Bun's class for a thread is named. */
const WORKERS = new RegExp(`${KAFKA_CONNECT.source}|^engine/transport/embedded/lease-keeper\\.ts`);

/** One word, one meaning: definition, saga, step, command, answer, signal, outbox, inbox, participant, parked, … */
const SYNONYMS: readonly Synonym[] = [
  // An applicant of the example domains has a job.
  { word: /\bjobs?\b/i, instead: "saga or step", elsewhere: /^(?:domains\/|engine\/definition\/start-violations\.ts)/ },
  { word: /\btasks?\b/i, instead: "step", elsewhere: KAFKA_CONNECT },
  { word: /\bworkers?\b/i, instead: "participant", elsewhere: WORKERS },
  { word: /(?<!\bsaga )\bworkflows?\b/i, instead: "saga or definition" },
  { word: /\b(?:saga|definition|process)[ _-]?instances?\b/i, instead: "saga" },
  { word: /\b(?:dead[ _-]?letters?|dlq)\b/i, instead: "message in error" },
  // `Last-Event-ID` is the name of a header.
  { word: /(?<!last-)\b(?:event|job|run|execution)[ _-]?ids?\b/i, instead: "message id or saga id" },
  { word: /\bactivit(?:y|ies)\b/i, instead: "step" },
  { word: /\b(?:saga|step)[ _-]?executions?\b/i, instead: "saga or attempt" },
  { word: /\b(?:stuck|suspended|blocked) saga\b/i, instead: "parked saga" },
  { word: /\bundo(?:ing)? (?:step|action|handler)s?\b/i, instead: "compensation" },
  { word: /\b(?:subscriber|listener) groups?\b/i, instead: "consumer group" },
  { word: /\bevent[ _-]?(?:bus|queue)\b/i, instead: "timeline" },
];

/** No abbreviation but id, tx, sql, http, and what a library calls its own. */
const ABBREVIATIONS =
  /(?<![.\w"'])(?:msg|ctx|cfg|evt|cmd|tmp|str|idx|cb|fn|arr|obj|err|db|conn|prev|curr|acc|opts|val|params|elem|repo|pkg|attr|cnt|svc|mgr)\b/g;

/** Words of a file that say what another word means, as `path:line: "word": say …`. */
export function synonymsIn({ path, source }: SourceFile): string[] {
  return SYNONYMS.filter(({ elsewhere }) => !elsewhere?.test(path)).flatMap(({ word, instead }) =>
    [...source.matchAll(new RegExp(word.source, `${word.flags}g`))].map(
      (match) => `${path}:${lineAt(source, match.index)}: "${match[0]}": say ${instead}`,
    ),
  );
}

/** Names of code that are cut short. */
export function abbreviationsIn({ path, source }: SourceFile): string[] {
  return [...codeOf(source).matchAll(ABBREVIATIONS)].map(
    (match) => `${path}:${lineAt(source, match.index)}: "${match[0]}" is cut short`,
  );
}
