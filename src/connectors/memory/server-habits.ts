import type { Body, When } from '#model/appointment.ts';

/** What a server does to typed items beyond what it was asked for. Whoever compares has to live with all of it. */
export interface ServerHabits {
  /** HTML gets the server's own frame, text its line ends, times lose their seconds. */
  readonly normalises: boolean;
  /** An item is written once more right after each write: the version that was answered is not the last one. */
  readonly touches: boolean;
}

export const noHabits: ServerHabits = { normalises: false, touches: false };

const frame = (content: string) =>
  `<html>\r\n<head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">\r\n</head>\r\n<body>\r\n${content.trim()}\r\n</body>\r\n</html>\r\n`;

function normalBody({ type, text }: Body): Body {
  const lines = text.replaceAll(/\r\n|\r|\n/g, '\r\n');
  if (type === 'text') return { type, text: lines };
  const content = /<body[^>]*>([\s\S]*)<\/body>/i.exec(lines)?.[1] ?? lines;
  return { type, text: frame(content) };
}

const wholeMinute = (instant: number): number => Math.floor(instant / 60_000) * 60_000;
const normalWhen = (when: When): When => ({ ...when, start: wholeMinute(when.start), end: wholeMinute(when.end) });

/** Fields or overrides as a server that normalises keeps them. Doing it twice changes nothing more. */
export function normalised<Fields extends object>(fields: Fields): Fields {
  const { body, when } = fields as { readonly body?: Body; readonly when?: When };
  return { ...fields, ...(body && { body: normalBody(body) }), ...(when && { when: normalWhen(when) }) };
}
