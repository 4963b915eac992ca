import type { Body } from '#model/appointment.ts';

/** A body as it is shown. One without a word is text: some servers show it as HTML, others forget which it was. */
export const shownBody = (type: Body['type'], text: string): Body => ({ type: text === '' ? 'text' : type, text });
