import type { ComponentType } from "preact";

import { call, Problem } from "../data/call.ts";
import type { Message, Saga, SagaList } from "../data/shapes.ts";

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;
/** As they stand in step keys, addresses and lines of a log. */
const ULIDS = /(?<![0-9A-Z])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Z])/gi;
/** No key is longer; asked for one, the API refuses. */
const KEY_MAX = 500;

export interface Shown {
  readonly message: Message;
  /** Its code is fetched when somebody first looks at one. */
  readonly View: ComponentType<{ readonly message: Message; readonly onClose: () => void }>;
}

/**
 * Where a text leads, or the message that it is the id of; undefined: nowhere. Several sagas of one key are listed. A text that is
 * neither key nor id, and that holds one id, leads where that does.
 */
export async function foundBy(text: string): Promise<string | Shown | undefined> {
  const isId = ULID.test(text);
  const ofId = isId ? await foundById(text) : undefined;
  const of = ofId ?? (await foundByKey(text));
  if (of !== undefined || isId) return of;
  const [only, another] = new Set((text.match(ULIDS) ?? []).map((id) => id.toUpperCase()));
  return only === undefined || another !== undefined ? undefined : foundById(only);
}

async function foundById(text: string): Promise<string | Shown | undefined> {
  const id = text.toUpperCase();
  const saga = await found<Saga>(`/v1/sagas/${id}?bodies=false`);
  if (saga !== undefined) return `/sagas/${saga.sagaId}`;
  const message = await found<Message>(`/v1/messages/${id}`);
  if (message === undefined) return undefined;
  if (message.sagaId !== null) return `/sagas/${message.sagaId}?message=${id}`;
  return { message, View: (await import("../pages/parked/message-dialog.tsx")).MessageDialog };
}

async function foundByKey(text: string): Promise<string | undefined> {
  if (text.length > KEY_MAX) return undefined;
  const { items } = await call<SagaList>(`/v1/sagas?key=${encodeURIComponent(text)}&limit=2&bodies=false`);
  const [only, second] = items;
  if (only === undefined) return undefined;
  return second === undefined ? `/sagas/${only.sagaId}` : `/sagas?key=${encodeURIComponent(text)}`;
}

async function found<T>(path: string): Promise<T | undefined> {
  try {
    return await call<T>(path);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return undefined;
    throw error;
  }
}
