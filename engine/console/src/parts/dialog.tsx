import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

import { call, newIdempotencyKey, Problem } from "../data/call.ts";
import { apiKey } from "../data/session.ts";
import { Copy, curlOf } from "./copy.tsx";
import { Trouble } from "./states.tsx";
import { t } from "./text.ts";

/** A dialog; Escape closes it, and the focus goes back to where it was. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      // The browser gives the focus back of one that was closed, not of one that is taken away while it is open.
      if (dialog?.open === true && before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={element} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

/** What somebody is about to do. */
export interface Act {
  readonly title: string;
  /** What it does, in a sentence. */
  readonly text: string;
  readonly path: string;
  readonly body: (reason: string) => unknown;
  /** The same as a command of the command line. */
  readonly cli: (reason: string) => string;
  /** What cannot be taken back. */
  readonly danger?: boolean;
  /** A signal needs no reason. */
  readonly withoutReason?: boolean;
}

interface ActDialogProps {
  readonly act: Act;
  /** What is not right yet; undefined: it may be sent. */
  readonly fault?: string | undefined;
  /** Whether it is right is being found out. */
  readonly held?: boolean;
  readonly onClose: () => void;
  readonly onDone: (answer: unknown) => void;
  /** What has to be filled in besides the reason; it may say beside a field why it was refused. */
  readonly children?: ComponentChildren | ((problem: Problem | undefined) => ComponentChildren);
}

/** Asks for the reason and carries it out, once however often the button is pressed. */
export function ActDialog({ act, fault, held = false, onClose, onDone, children }: ActDialogProps) {
  const { busy, problem, keyOf, send } = useSending(act, onDone);
  return (
    <ReasonDialog
      {...act}
      needsReason={act.withoutReason !== true}
      curl={(reason) => curlOf("POST", act.path, act.body(reason), apiKey.value !== undefined, keyOf(reason))}
      fault={fault}
      busy={busy || held}
      problem={problem}
      onClose={onClose}
      onSend={(reason) => void send(reason)}
    >
      {typeof children === "function" ? children(problem) : children}
    </ReasonDialog>
  );
}

interface ReasonDialogProps {
  readonly title: string;
  readonly text: string;
  readonly danger?: boolean;
  readonly needsReason: boolean;
  readonly curl: (reason: string) => string;
  readonly cli: (reason: string) => string;
  readonly fault: string | undefined;
  readonly busy: boolean;
  readonly problem: Problem | undefined;
  readonly onClose: () => void;
  readonly onSend: (reason: string) => void;
  readonly children?: ComponentChildren;
}

/** Asks for the reason, and shows what came of it. */
export function ReasonDialog(props: ReasonDialogProps) {
  const {
    title,
    text,
    danger = false,
    needsReason,
    curl,
    cli,
    fault,
    busy,
    problem,
    onClose,
    onSend,
    children,
  } = props;
  const [reason, setReason] = useState("");
  const id = useId();
  const ready = !busy && fault === undefined && (!needsReason || reason.trim() !== "");
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) onSend(reason.trim());
        }}
      >
        <p>{text}</p>
        {children}
        {needsReason ? (
          <div class="field">
            <label for={id}>
              {t("reason")} <small>({t("required")})</small>
            </label>
            <textarea
              id={id}
              rows={2}
              maxLength={1000}
              placeholder={t("reasonHint")}
              value={reason}
              onInput={(event) => setReason(event.currentTarget.value)}
            />
          </div>
        ) : null}
        {fault === undefined ? null : <p class="fault">{fault}</p>}
        {problem === undefined ? null : <Trouble problem={problem} sent={true} />}
        <div class="buttons">
          <Copy label={t("copyCurl")} text={() => curl(reason.trim())} />
          <Copy label={t("copyCli")} text={() => cli(reason.trim())} />
          <div class="buttons last">
            <button type="button" class="button" onClick={onClose}>
              {t("cancel")}
            </button>
            <button type="submit" class={`button primary${danger ? " danger" : ""}`} disabled={!ready}>
              {title}
            </button>
          </div>
        </div>
      </form>
    </Dialog>
  );
}

function useSending(act: Act, onDone: (answer: unknown) => void) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  // The same key while the same is sent again after a lost answer, from here or a shell; another text is another call.
  const key = useRef({ text: "", key: "" });
  const keyOf = (reason: string) => {
    const text = JSON.stringify([act.path, act.body(reason)]);
    if (key.current.text !== text) key.current = { text, key: newIdempotencyKey() };
    return key.current.key;
  };
  const send = async (reason: string) => {
    setBusy(true);
    setProblem(undefined);
    try {
      onDone(await call(act.path, { method: "POST", body: act.body(reason), idempotencyKey: keyOf(reason) }));
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, { detail: String(error) }));
      setBusy(false);
    }
  };
  return { busy, problem, keyOf, send };
}
