import type { MapiProperty } from '#model/property-row.ts';
import { causewayPropertySet } from '#model/stamp.ts';

/**
 * How the parts of a message were put together. MAPI has one text, one HTML and a list of attachments; where MIME said more (two texts,
 * three alternatives, an alternative inside a list) this is kept beside them, so that nothing of it is lost.
 */
export type MimeShape =
  | { readonly kind: 'text' }
  | { readonly kind: 'html' }
  /** A text part with nothing in it. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'attachment'; readonly index: number }
  | { readonly kind: 'multipart'; readonly subtype: string; readonly parts: readonly MimeShape[] };

/** Only there when the shape is not the one that follows from the bodies and attachments. */
export const shapeProperty = {
  set: causewayPropertySet,
  name: 'CausewayMimeShape',
  type: 'string',
} as const satisfies MapiProperty;

/** `mixed(alternative(t,related(h,0)),1)`: t text, h HTML, e empty, numbers of attachments. */
export function writeShape(shape: MimeShape): string {
  switch (shape.kind) {
    case 'text':
      return 't';
    case 'html':
      return 'h';
    case 'empty':
      return 'e';
    case 'attachment':
      return String(shape.index);
    case 'multipart':
      return `${shape.subtype}(${shape.parts.map(writeShape).join(',')})`;
    default:
      return shape satisfies never;
  }
}

const depthMax = 70;
const partsMax = 20_000;

/** @returns null for a text that is no shape, or a larger one than a message has */
export function readShape(text: string): MimeShape | null {
  let at = 0;
  let parts = 0;
  const read = (depth: number): MimeShape | null => {
    if (depth > depthMax || ++parts > partsMax) return null;
    const word = /[\w.+-]+/y;
    word.lastIndex = at;
    const token = word.exec(text)?.[0];
    if (token === undefined) return null;
    at += token.length;
    if (text[at] !== '(') return leafOf(token);
    at++;
    const inner: MimeShape[] = [];
    while (text[at] !== ')') {
      const one = read(depth + 1);
      if (one === null) return null;
      inner.push(one);
      if (text[at] === ',') at++;
      else if (text[at] !== ')') return null;
    }
    at++;
    return { kind: 'multipart', subtype: token, parts: inner };
  };
  const shape = read(0);
  return at === text.length ? shape : null;
}

function leafOf(token: string): MimeShape | null {
  if (token === 't') return { kind: 'text' };
  if (token === 'h') return { kind: 'html' };
  if (token === 'e') return { kind: 'empty' };
  return /^\d{1,6}$/.test(token) ? { kind: 'attachment', index: Number(token) } : null;
}

/** Attachments in the order in which a shape has them. */
export function* attachmentsOf(shape: MimeShape): Generator<number> {
  if (shape.kind === 'attachment') yield shape.index;
  if (shape.kind === 'multipart') for (const part of shape.parts) yield* attachmentsOf(part);
}

export interface ShapeFacts {
  readonly hasText: boolean;
  readonly hasHtml: boolean;
  /** For each attachment: it is shown within the HTML. */
  readonly inBody: readonly boolean[];
  /** The only attachment is the message as it was signed or encrypted. */
  readonly isWhole: boolean;
}

/** How a message is put together of which nobody said anything. */
export function usualShape({ hasText, hasHtml, inBody, isWhole }: ShapeFacts): MimeShape {
  const multipart = (subtype: string, parts: readonly MimeShape[]): MimeShape => {
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'multipart', subtype, parts };
  };
  if (isWhole) return { kind: 'attachment', index: 0 };
  const all = inBody.map((isInBody, index) => ({
    isInBody: hasHtml && isInBody,
    shape: { kind: 'attachment', index } as const,
  }));
  const inside = all.filter((one) => one.isInBody).map((one) => one.shape);
  const beside = all.filter((one) => !one.isInBody).map((one) => one.shape);
  const html: readonly MimeShape[] = hasHtml ? [multipart('related', [{ kind: 'html' }, ...inside])] : [];
  const text: readonly MimeShape[] = hasText ? [{ kind: 'text' }] : [];
  const body: readonly MimeShape[] = hasText || hasHtml ? [multipart('alternative', [...text, ...html])] : [];
  if (body.length === 0 && beside.length === 0) return { kind: 'empty' };
  return beside.length === 0
    ? multipart('mixed', body)
    : { kind: 'multipart', subtype: 'mixed', parts: [...body, ...beside] };
}
