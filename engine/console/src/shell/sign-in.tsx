import { useState } from "preact/hooks";

import { useCell } from "../data/cell.ts";
import { refusal, showKey } from "../data/session.ts";
import { t } from "./text.ts";
import { useTitle } from "./title.ts";

/** Asks for a key of the API. */
export function SignIn() {
  const [key, setKey] = useState("");
  const why = useCell(refusal);
  useTitle(t("signIn"));
  const signIn = () => {
    refusal.set(undefined);
    showKey(key.trim());
  };
  return (
    <main class="sign-in" id="main">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() !== "") signIn();
        }}
      >
        <h1>Ekiden</h1>
        <p>{t("signInText")}</p>
        <div class="field">
          <label for="key">{t("key")}</label>
          <input
            id="key"
            type="password"
            autocomplete="off"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </div>
        {why === undefined || why === "" ? null : (
          <p class="fault" role="alert">
            {why}
          </p>
        )}
        <button type="submit" class="button primary" disabled={key.trim() === ""}>
          {t("signIn")}
        </button>
      </form>
    </main>
  );
}
