import { type MimePart, splitMime } from '#formats/text/mime-split.ts';

/** Edits of a message's bytes, for planting differences. Only the place that is asked for changes. */

export interface HeaderLine {
  /** Lower case. */
  readonly name: string;
  /** With its folding, without the last line end. */
  readonly text: string;
}

/** Text of a header after the colon, one character per byte, unfolded. */
export const valueText = (line: HeaderLine): string =>
  line.text
    .slice(line.text.indexOf(':') + 1)
    .replace(/\r?\n(?=[ \t])/g, '')
    .trim();

/** A header block: lines, and what follows them. */
interface Head {
  readonly lines: readonly HeaderLine[];
  readonly rest: Buffer;
  readonly end: string;
}

function headOf(block: Buffer): Head {
  const text = block.toString('latin1');
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const lines: { name: string; text: string }[] = [];
  let at = 0;
  while (at < text.length) {
    let next = text.indexOf('\n', at);
    next = next < 0 ? text.length : next + 1;
    const line = text.slice(at, next).replace(/\r?\n$/, '');
    if (line === '') break;
    const last = lines.at(-1);
    if (/^[ \t]/.test(line) && last) last.text += `${end}${line}`;
    else {
      const name = /^([!-9;-~]+)[ \t]*:/.exec(line)?.[1];
      // A line that is no header: the block ends as a reader would see it, or it is kept without a name.
      if (name === undefined && lines.length === 0 && !/^>?From /.test(line)) break;
      lines.push({ name: (name ?? '').toLowerCase(), text: line });
    }
    at = next;
  }
  return { lines, rest: Buffer.from(text.slice(at), 'latin1'), end };
}

function writeHead({ rest, end }: Head, lines: readonly HeaderLine[]): Buffer {
  return Buffer.concat([Buffer.from(lines.map((line) => `${line.text}${end}`).join(''), 'latin1'), rest]);
}

export const headersOf = (mime: Buffer): readonly HeaderLine[] => headOf(mime).lines;

/** Changes the header block at the top of a message or part; null from `change`: does not apply. */
export function editHeaders(
  mime: Buffer,
  change: (lines: readonly HeaderLine[]) => readonly HeaderLine[] | null,
): Buffer | null {
  const head = headOf(mime);
  const lines = change(head.lines);
  return lines === null ? null : writeHead(head, lines);
}

/** Replaces the first header of a name by the text that `change` makes of its value; null removes it. */
export function editHeader(mime: Buffer, name: string, change: (value: string) => string | null): Buffer | null {
  return editHeaders(mime, (lines) => {
    const n = lines.findIndex((line) => line.name === name);
    const line = lines[n];
    if (line === undefined) return null;
    const value = change(valueText(line));
    if (value === valueText(line)) return null;
    return value === null ? lines.toSpliced(n, 1) : lines.toSpliced(n, 1, { name, text: `${name}: ${value}` });
  });
}

export const addHeader = (mime: Buffer, name: string, value: string): Buffer =>
  editHeaders(mime, (lines) => [...lines, { name: name.toLowerCase(), text: `${name}: ${value}` }]) ?? mime;

/** Leaves of a message that are written out in it, attached messages included as leaves. */
export function partsOf(mime: Buffer): readonly MimePart[] {
  const leaves: MimePart[] = [];
  const visit = (part: MimePart) => {
    if (part.children.length > 0 && part.contentType.value.startsWith('multipart/')) part.children.forEach(visit);
    else leaves.push(part);
  };
  visit(splitMime(mime));
  return leaves;
}

export const isBody = (part: MimePart): boolean =>
  part.contentType.value.startsWith('text/') && part.disposition?.value !== 'attachment' && nameOf(part) === '';
export const isMessage = (part: MimePart): boolean =>
  part.contentType.value === 'message/rfc822' && part.children.length > 0;
export const isAttachment = (part: MimePart): boolean =>
  !isBody(part) && !part.contentType.value.startsWith('multipart/');
export const nameOf = (part: MimePart): string =>
  (part.disposition?.parameters.get('filename') ?? part.contentType.parameters.get('name') ?? '').trim();

/** Replaces the bytes of a part, headers included. */
export function replacePart(mime: Buffer, part: MimePart, raw: Uint8Array): Buffer {
  const from = part.raw.byteOffset - mime.byteOffset;
  return Buffer.concat([mime.subarray(0, from), raw, mime.subarray(from + part.raw.length)]);
}

/** A part with other content, encoded as base64, under its own headers. */
export function withContent(
  part: MimePart,
  content: Uint8Array,
  headers: (lines: readonly HeaderLine[]) => readonly HeaderLine[] = (lines) => lines,
): Buffer {
  const head = headOf(part.raw.subarray(0, part.raw.length - part.rawBody.length));
  const encoded = (
    Buffer.from(content)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  ).join(head.end);
  const lines = headers(head.lines.filter((line) => line.name !== 'content-transfer-encoding'));
  return Buffer.concat([
    Buffer.from(lines.map((line) => `${line.text}${head.end}`).join(''), 'latin1'),
    Buffer.from(`content-transfer-encoding: base64${head.end}${head.end}${encoded}`, 'latin1'),
  ]);
}

/** A part with other headers and the same bytes of content. */
export function withPartHeaders(
  part: MimePart,
  change: (lines: readonly HeaderLine[]) => readonly HeaderLine[] | null,
): Buffer | null {
  const lines = change(headOf(part.raw.subarray(0, part.raw.length - part.rawBody.length)).lines);
  if (lines === null) return null;
  const end = part.raw.includes('\r\n') ? '\r\n' : '\n';
  return Buffer.concat([Buffer.from(`${lines.map((line) => line.text + end).join('')}${end}`, 'latin1'), part.rawBody]);
}

/** Takes a part out of its multipart, its delimiter line with it; null when it stands in none. */
export function withoutPart(mime: Buffer, part: MimePart): Buffer | null {
  const from = part.raw.byteOffset - mime.byteOffset;
  const text = mime.toString('latin1');
  const before = text.lastIndexOf('\n--', from);
  const start = before >= 0 ? before + 1 : text.startsWith('--') ? 0 : -1;
  if (from === 0 || start < 0) return null;
  // What follows the part begins with a line end that belongs to the next delimiter.
  let end = from + part.raw.length;
  if (text[end] === '\r') end++;
  if (text[end] === '\n') end++;
  return Buffer.concat([mime.subarray(0, start), mime.subarray(end)]);
}

/** Exchanges two parts that do not overlap. */
export function swapParts(mime: Buffer, one: MimePart, other: MimePart): Buffer {
  return replacePart(replacePart(mime, other, one.raw), one, other.raw);
}
