import { isJsonObject, type Json } from "../core/json.ts";
import { numberless } from "../core/path.ts";
import type { MessageRow } from "../timeline/read-messages.ts";
import { MASK, Masker, maskAt, type Path, secretsAt } from "../core/mask.ts";

/** What of a field of a body is sensitive. */
interface Place {
  readonly field: string;
  readonly paths: readonly Path[];
}

/**
 * Masks one saga's values. The rule: what a definition declares `sensitive` is masked where it is declared (the
 * input, a step's result, and the messages that carry them), and its texts and numbers are masked wherever else the
 * API shows them for the same saga (other bodies, output, labels, key, errors). Booleans are masked at their place
 * only; texts below four characters are masked where they are the whole value. What a child saga said of its failure
 * is masked by the child's definition too.
 * For readers without the right to read payloads all of a payload is hidden, and of why a saga, a step or a message
 * failed all but the code. What a saga is found by, its key and labels, is meant to be seen: there only what is
 * `sensitive` is masked.
 */
export class Masking {
  readonly #input: readonly Path[];
  readonly #steps: readonly Path[];
  readonly #edited = new Set<string>();
  /** The same without the numbers of items: groups of failed steps are told without. */
  readonly #editedPlaces = new Set<string>();
  readonly #secrets: {
    readonly texts: Set<string>;
    readonly numbers: Set<number>;
    readonly quoted: Map<string, string>;
  } = { texts: new Set(), numbers: new Set(), quoted: new Map() };
  /** Without the right to read payloads: everything in them. */
  readonly #unread: { readonly texts: Set<string>; readonly numbers: Set<number> } | undefined;

  /** Of both, until something more is learnt. */
  #masker: Masker | undefined;
  #unreadMasker: Masker | undefined;

  constructor(paths: readonly string[], payloads = true) {
    this.#unread = payloads ? undefined : { texts: new Set(), numbers: new Set() };
    const split = paths.map((path) => path.split("."));
    this.#input = split.filter(([root]) => root === "input").map((path) => path.slice(1));
    this.#steps = split.filter(([root]) => root === "steps").map((path) => path.slice(1));
  }

  learnInput(input: Json): void {
    this.#learn(input, this.#input);
    this.#hide(input);
  }

  /** A person has edited a command of this step: no command of it is shown. */
  learnEdited(stepKey: string): void {
    this.#edited.add(stepKey);
    this.#editedPlaces.add(numberless(stepKey));
  }

  /** `path` is that of the step in the saga; its last segment is the name. */
  learnOutput(path: string, output: Json): void {
    this.#learn(output, this.#belowStep(path));
    this.#hide(output);
  }

  /** What a handler said of a step's failure: of an edited command it is masked wherever the saga says it again. */
  learnSaid(said: string, stepKey: string): void {
    if (said !== "" && this.#isOfEdited(stepKey)) this.learnQuoted(said, MASK);
  }

  /** A message may carry a value before the saga's rows know it, or when they know it no more. */
  learnMessage(message: MessageRow): void {
    for (const field of PAYLOADS) this.#hide(fieldOf(message.message_body, field));
    this.#learnSaidIn(message);
    // All of an edited input is hidden, and most of it is no secret: learnt, it would hide what is none elsewhere.
    if (this.#isEdited(message)) return;
    for (const { field, paths } of this.#placesIn(message)) {
      this.#learn(fieldOf(message.message_body, field), paths);
    }
  }

  /** What a child saga said of its failure, and how it is shown there: this saga says it again. */
  learnQuoted(said: string, shown: string): void {
    const known = this.#secrets.quoted.get(said);
    // Two that said the same and hide different parts of it: it is not known which of them is heard.
    this.#masker = undefined;
    this.#secrets.quoted.set(said, known === undefined || known === shown ? shown : MASK);
  }

  input(input: Json): Json {
    if (this.#unread !== undefined) return hidden(input);
    return this.value(maskAt(input, this.#input));
  }

  body(message: MessageRow): Json {
    if (this.#unread !== undefined) return hidden(message.message_body);
    const masked = this.#placesIn(message).reduce(
      (body, { field, paths }) => maskField(body, field, paths),
      message.message_body,
    );
    return this.value(masked);
  }

  value(value: Json): Json {
    return this.#unread === undefined ? this.#known().value(value) : hidden(value);
  }

  /** A saga's key, or its labels. */
  label(value: Json): Json {
    return this.#known().value(value);
  }

  /** What was said of a message that could not be consumed: the same as of the failure that its step shows. */
  saidOf(message: MessageRow, text: string): string;
  saidOf(message: MessageRow, text: string | null): string | null;
  saidOf(message: MessageRow, text: string | null): string | null {
    if (text === null) return null;
    return this.#isEdited(message) && this.#declares() ? MASK : this.said(text, message.step_key);
  }

  /** Where an error was thrown: its first line is the error's text. */
  stackOf(message: MessageRow, text: string | null): string | null {
    const isHidden = this.#unread !== undefined || (text !== null && this.saidOf(message, text) === MASK);
    return isHidden ? null : this.text(text);
  }

  text(text: string): string;
  text(text: string | null): string | null;
  text(text: string | null): string | null {
    if (text === null) return null;
    const masked = this.#known().text(text);
    if (this.#unread === undefined) return masked;
    this.#unreadMasker ??= new Masker(this.#unread);
    return this.#unreadMasker.text(masked);
  }

  /**
   * What a handler said of its failure. It may take its words from the command, which is in no row of the saga, and
   * write them otherwise: without the right to read payloads none of it is shown, nor, where anything is sensitive, what
   * it said of a command that a person wrote. `stepKey`: of the step that failed; null: it is not known.
   */
  said(text: string, stepKey: string | null): string {
    const isHidden = this.#unread !== undefined || (stepKey !== null && this.#isOfEdited(stepKey));
    return isHidden ? MASK : this.text(text);
  }

  /** The same for its parent, who shows its own readers how much of that they may know. */
  retold(text: string, stepKey: string | null): string {
    return text !== "" && stepKey !== null && this.#isOfEdited(stepKey) ? MASK : this.text(text);
  }

  #isOfEdited(stepKey: string): boolean {
    return this.#editedPlaces.has(numberless(stepKey)) && this.#declares();
  }

  #declares(): boolean {
    return this.#input.length + this.#steps.length > 0;
  }

  #known(): Masker {
    this.#masker ??= new Masker(this.#secrets);
    return this.#masker;
  }

  /** An answer has what was said in its body, what the saga tells of it names the step beside it. */
  #learnSaidIn({ message_body: body, correlation_id: sagaId, step_key: stepKey }: MessageRow): void {
    const error = fieldOf(body, "error");
    const step = textOf(fieldOf(error, "step"));
    const of = step === "" ? stepKey : `${sagaId}/${step}`;
    if (of === null) return;
    for (const said of [fieldOf(body, "message"), fieldOf(error, "message")]) this.learnSaid(textOf(said), of);
  }

  #learn(value: Json, paths: readonly Path[]): void {
    this.#masker = undefined;
    secretsAt(value, paths, this.#secrets);
  }

  #hide(value: Json): void {
    if (this.#unread === undefined) return;
    this.#unreadMasker = undefined;
    secretsAt(value, [[]], this.#unread);
  }

  #placesIn(message: MessageRow): readonly Place[] {
    const step = this.#belowStep(message.step_key ?? "");
    // What a person wrote is in no declared place: nobody knows which part of it is sensitive.
    const all = this.#isEdited(message) && this.#declares() ? [{ field: "input", paths: [[]] }] : [];
    return [...all, ...this.#declaredIn(message, step)];
  }

  #declaredIn(message: MessageRow, step: readonly Path[]): readonly Place[] {
    switch (message.message_type) {
      case "saga.started":
      case "child.requested":
        return [{ field: "input", paths: this.#input }];
      case "signal.received":
        // Which wait will take it is not known yet: what any step hides is hidden here.
        return [{ field: "payload", paths: this.#steps.map((path) => path.slice(1)) }];
      case "resolve.requested":
        return [{ field: "result", paths: this.#belowStep(textOf(fieldOf(message.message_body, "step"))) }];
      case "compensation.requested":
        return [{ field: "compensates", paths: step.map((path) => ["output", ...path]) }];
      default:
        return [{ field: "output", paths: step }];
    }
  }

  /** The request for an edit, the message that came of it, or another command of that step. */
  #isEdited({ message_type: type, message_headers: headers, step_key: step }: MessageRow): boolean {
    if (type === "edit.requested" || (isJsonObject(headers) && headers["supersedes"] !== undefined)) return true;
    return step !== null && this.#edited.has(step) && (type === "step.requested" || type === "compensation.requested");
  }

  #belowStep(path: string): readonly Path[] {
    const name = (path.split("/").at(-1) ?? "").replace(/\[\d+\]$/, "");
    return this.#steps.filter(([first]) => first === undefined || first === name).map((each) => each.slice(1));
  }
}

/** Fields of message bodies that carry what sagas and participants say to each other. */
const PAYLOADS = ["input", "output", "payload", "result", "compensates"];

function hidden(value: Json): Json {
  return value === null ? null : maskAt(value, [[]]);
}

function fieldOf(body: Json, field: string): Json {
  return isJsonObject(body) ? (body[field] ?? null) : null;
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : "";
}

function maskField(body: Json, field: string, paths: readonly Path[]): Json {
  const value = fieldOf(body, field);
  return isJsonObject(body) && value !== null ? { ...body, [field]: maskAt(value, paths) } : body;
}
