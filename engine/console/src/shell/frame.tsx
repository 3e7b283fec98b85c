import type { ComponentChildren, ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { useCell } from "../data/cell.ts";
import { chooseLanguage, language } from "../data/language.ts";
import { apiKey, me, refusal, showKey } from "../data/session.ts";
import { streamState } from "../data/stream.ts";
import { useMore } from "../parts/more.ts";
import { moveRow, useKeys } from "./keys.ts";
import { navigation } from "./pages.ts";
import { go, place } from "./place.ts";
import { SEARCH, Search } from "./search.tsx";
import { t } from "./text.ts";
import { nextTheme, theme } from "./theme.ts";

/** The frame around the pages: navigation, search, how the stream is, language, theme, who is signed in. */
export function Frame({ children }: { readonly children: ComponentChildren }) {
  const [Help, setHelp] = useState<ComponentType<{ readonly onClose: () => void }>>();
  const help = () => {
    // Its code is fetched soon after the first page: `foresee`.
    import("./help.tsx").then(
      (code) => setHelp(() => code.Help),
      () => undefined,
    );
  };
  useKeys({
    "/": () => document.getElementById(SEARCH)?.focus(),
    "?": help,
    j: () => moveRow(1),
    k: () => moveRow(-1),
    ...Object.fromEntries(navigation().map(({ pattern, key }) => [`g ${key}`, () => go(pattern)])),
  });
  return (
    <div class="frame">
      <a class="skip" href="#main">
        {t("skip")}
      </a>
      <header>
        <a class="name" href="/">
          <span aria-hidden="true" class="sash" />
          Ekiden
        </a>
        <Navigation />
        <Search />
        <Corner onHelp={help} />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      {Help === undefined ? null : <Help onClose={() => setHelp(undefined)} />}
    </div>
  );
}

function Navigation() {
  const { pathname } = useCell(place);
  const list = useRef<HTMLElement>(null);
  useMore(list);
  // Where there is little room the list scrolls, and the page that is open may lie outside of what is seen of it.
  useEffect(() => {
    const here = list.current?.querySelector<HTMLElement>("[aria-current]");
    if (here !== null && here !== undefined) list.current?.scrollTo({ left: here.offsetLeft - here.offsetWidth });
  }, [pathname]);
  return (
    <nav aria-label={t("navigation")} ref={list}>
      <ul>
        {navigation().map(({ pattern, key, text }) => {
          const here = pattern === "/" ? pathname === "/" : pathname === pattern || pathname.startsWith(`${pattern}/`);
          return (
            <li key={pattern}>
              <a href={pattern} aria-current={here ? "page" : undefined} title={`g ${key}`}>
                {text()}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

function Corner({ onHelp }: { readonly onHelp: () => void }) {
  const spoken = useCell(language);
  const colours = useCell(theme);
  const key = useCell(apiKey);
  const who = useCell(me);
  const themeText = { system: t("themeSystem"), light: t("themeLight"), dark: t("themeDark") }[colours];
  const signOut = () => {
    refusal.set("");
    showKey(undefined);
  };
  return (
    <div class="corner">
      <StreamLight />
      {key === undefined ? null : (
        <button type="button" class="button quiet" onClick={signOut} title={who?.actor}>
          {t("signOut")}
        </button>
      )}
      <button
        type="button"
        class="button quiet"
        title={t("languageHint")}
        lang={spoken === "ja" ? "en" : "ja"}
        onClick={() => chooseLanguage(spoken === "ja" ? "en" : "ja")}
      >
        {t("language")}
      </button>
      <button type="button" class="button quiet" title={themeText} aria-label={themeText} onClick={nextTheme}>
        <span aria-hidden="true">{{ system: "◐", light: "☀", dark: "☾" }[colours]}</span>
      </button>
      <button type="button" class="button quiet" title={t("help")} aria-label={t("help")} onClick={onHelp}>
        ?
      </button>
    </div>
  );
}

function StreamLight() {
  const state = useCell(streamState);
  const looks = {
    live: { icon: "●", text: t("live"), hint: t("liveHint") },
    lost: { icon: "▲", text: t("lost"), hint: t("lostHint") },
    connecting: { icon: "○", text: t("connecting"), hint: "" },
  }[state];
  return (
    <span class={`stream ${state}`} role="status" title={looks.hint}>
      <span aria-hidden="true">{looks.icon}</span> {looks.text}
    </span>
  );
}
