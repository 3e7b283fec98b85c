import { Component, type ComponentChildren, type ComponentType } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { call, callText, Problem } from "../data/call.ts";
import { useCell } from "../data/cell.ts";
import { takeBegun } from "../data/early.ts";
import { language } from "../data/language.ts";
import { apiKey, me, refusal } from "../data/session.ts";
import type { Me } from "../data/shapes.ts";
import { startStream, stopStream } from "../data/stream.ts";
import { forgetAnswers } from "../data/use-call.ts";
import { Notices } from "../parts/notice.tsx";
import { Trouble } from "../parts/states.tsx";
import { Frame } from "./frame.tsx";
import { beginPage, foresee, type PageProps, pageAt, titleOf } from "./pages.ts";
import { place } from "./place.ts";
import { SignIn } from "./sign-in.tsx";
import { t } from "./text.ts";
import { useTitle } from "./title.ts";

/** The console. Drawn anew as a whole when the language changes. */
export function App() {
  const spoken = useCell(language);
  const problem = useMe();
  const who = useCell(me);
  const refused = useCell(refusal);
  if (refused !== undefined) return <SignIn key={spoken} />;
  if (who === undefined) {
    if (problem === undefined) return null;
    return (
      <main class="sign-in">
        <Trouble problem={problem} again={() => location.reload()} />
      </main>
    );
  }
  return (
    <Frame key={spoken}>
      <CurrentPage />
      <Notices />
    </Frame>
  );
}

/** Who is asked first of all. */
export const ME = "/v1/me";

/** Asks who we are, whenever another key is shown, and follows the engine as that caller. */
function useMe(): Problem | undefined {
  const key = useCell(apiKey);
  const [problem, setProblem] = useState<Problem>();
  useLayoutEffect(() => {
    forgetAnswers();
    (takeBegun(ME)?.text ?? callText(ME))
      .then((text) => {
        setProblem(undefined);
        me.set(JSON.parse(text) as Me);
        startStream();
      })
      .catch((error: unknown) =>
        setProblem(error instanceof Problem ? error : new Problem(0, { detail: String(error) })),
      );
    return stopStream;
  }, [key]);
  return problem;
}

/** A page has its own answers by then. */
const FORESEEN_MS = 1_000;

function CurrentPage() {
  const { pathname } = useCell(place);
  const found = pageAt(pathname);
  const [loaded, setLoaded] = useState<{ readonly pattern: string; readonly Page: ComponentType<PageProps> }>();
  const pattern = found?.page.pattern;
  const [missing, setMissing] = useState<string>();
  useTitle(found === undefined ? t("unknown") : titleOf(found.page), Object.values(found?.parts ?? {})[0]);
  useLayoutEffect(() => {
    if (found === undefined) return;
    let wanted = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    setMissing(undefined);
    beginPage(found, place.value.searchParams).then(
      (Page) => {
        if (!wanted) return;
        setLoaded({ pattern: found.page.pattern, Page });
        timer = setTimeout(foresee, FORESEEN_MS);
      },
      () => wanted && setMissing(found.page.pattern),
    );
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [pattern]);
  if (found === undefined)
    return (
      <>
        <h1>{t("unknown")}</h1>
        <p>
          {t("unknownText")} <a href="/">{t("home")}</a>
        </p>
      </>
    );
  if (loaded?.pattern !== pattern || loaded === undefined) return missing === pattern ? <Missing /> : null;
  return (
    <Guarded key={pathname}>
      <loaded.Page parts={found.parts} />
    </Guarded>
  );
}

const AWAY_MS = 2_000;
/** One that is loaded anew and still lacks the page is not loaded for ever. */
const RELOADED = "ekiden.reloaded";
const RELOAD_APART_MS = 10_000;

/**
 * The code of a page could not be fetched. An engine that answers was updated under this page, and its files have other
 * names now: it is loaded anew. One that does not is waited for: a document loaded from nobody would be the browser's.
 */
function Missing() {
  const [problem, setProblem] = useState<Problem>();
  const timer = useRef<ReturnType<typeof setInterval> | undefined>(undefined);
  const look = () =>
    call<Me>(ME).then(
      () => {
        const since = Date.now() - Number(sessionStorage.getItem(RELOADED));
        if (since < RELOAD_APART_MS) {
          // It answers and still lacks the page: only a person tries again.
          clearInterval(timer.current);
          return setProblem(new Problem(0, { code: "console.fault", detail: t("failed") }));
        }
        sessionStorage.setItem(RELOADED, String(Date.now()));
        location.reload();
      },
      (error: unknown) => setProblem(error instanceof Problem ? error : new Problem(0, { detail: String(error) })),
    );
  useEffect(() => {
    void look();
    timer.current = setInterval(() => void look(), AWAY_MS);
    return () => clearInterval(timer.current);
  }, []);
  return problem === undefined ? null : <Trouble problem={problem} again={() => void look()} />;
}

/** A fault of one page leaves the others alone. */
class Guarded extends Component<{ readonly children: ComponentChildren }, { readonly error?: Error }> {
  static override getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return <Trouble problem={new Problem(0, { code: "console.fault", detail: `${t("failed")}: ${error.message}` })} />;
  }
}
