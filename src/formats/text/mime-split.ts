import { decodeBase64Leniently } from './base64.ts';
import { type MimeHeader, type ParameterizedValue, parseParameters } from './mime-header.ts';
import { decodeQuotedPrintable } from './quoted-printable.ts';

export type { MimeHeader, ParameterizedValue } from './mime-header.ts';

/** One part of a message, or the message. Holds no copies: everything points into the bytes that were split. */
export interface MimePart {
  readonly headers: readonly MimeHeader[];
  /** `text/plain` when the header is missing or senseless (RFC 2045 §5.2), `message/rfc822` inside a digest. */
  readonly contentType: ParameterizedValue;
  /** Null when there is no such header. */
  readonly disposition: ParameterizedValue | null;
  /** Content-Transfer-Encoding, lower case; `7bit` when the header is missing. */
  readonly encoding: string;
  /** Parts of a multipart, or the one message inside a message/rfc822; empty for others. */
  readonly children: readonly MimePart[];
  /** Headers and body as they stand in the message. */
  readonly raw: Buffer;
  /** The body as it stands in the message. */
  readonly rawBody: Buffer;
  /** The body with its transfer encoding taken off. Decodes anew at every call. */
  body(): Buffer;
  /** What was not as it should be, in this part alone. */
  readonly defects: readonly MimeDefect[];
}

export type MimeDefect =
  /** A multipart without a boundary parameter, or whose boundary never occurs: taken as one part. */
  | 'no-boundary'
  /** A multipart without its closing boundary. */
  | 'no-terminator'
  /** A line among the headers that is none. */
  | 'odd-header-line'
  /** Nested deeper, or more parts, than the limit: not split further. */
  | 'limit';

export interface MimeLimits {
  readonly depthMax: number;
  /** Parts in the whole message. */
  readonly partsMax: number;
  /** Headers in one part. */
  readonly headersMax: number;
}

const defaultMimeLimits: MimeLimits = { depthMax: 64, partsMax: 10_000, headersMax: 10_000 };

const textPlain: ParameterizedValue = { value: 'text/plain', parameters: new Map() };
const messageRfc822: ParameterizedValue = { value: 'message/rfc822', parameters: new Map() };
const CR = 0x0d;
const LF = 0x0a;

/**
 * Takes a message apart (RFC 2045, 2046, 5322). Never fails: broken messages are read as mail programs do and say so in `defects`.
 * Lines may end in CR LF or LF.
 */
export function splitMime(bytes: Uint8Array, limits: Partial<MimeLimits> = {}): MimePart {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return splitPart(message, textPlain, 0, { limits: { ...defaultMimeLimits, ...limits }, parts: 0 });
}

interface State {
  readonly limits: MimeLimits;
  parts: number;
}

function splitPart(raw: Buffer, defaultType: ParameterizedValue, depth: number, state: State): MimePart {
  state.parts++;
  const defects: MimeDefect[] = [];
  const { headers, bodyAt } = splitHeaders(raw, state.limits.headersMax, defects);
  const rawBody = raw.subarray(bodyAt);
  const typeHeader = headerOf(headers, 'content-type');
  let contentType = typeHeader === null ? defaultType : parseParameters(typeHeader);
  if (!/^[^\s/]+\/[^\s/]+$/.test(contentType.value))
    contentType = { value: defaultType.value, parameters: contentType.parameters };
  const dispositionHeader = headerOf(headers, 'content-disposition');
  const encoding = (headerOf(headers, 'content-transfer-encoding') ?? '7bit')
    .replace(/\([^)]*\)/g, '')
    .trim()
    .toLowerCase()
    .replace(/^["']|["';.]+$/g, '');
  const body = () => decodeTransfer(rawBody, encoding);

  let children: readonly MimePart[] = [];
  const isMultipart = contentType.value.startsWith('multipart/');
  const isMessage = contentType.value === 'message/rfc822' || contentType.value === 'message/global';
  if ((isMultipart || isMessage) && (depth >= state.limits.depthMax || state.parts >= state.limits.partsMax))
    defects.push('limit');
  else if (isMessage) children = [splitPart(body(), textPlain, depth + 1, state)];
  else if (isMultipart) {
    const boundary = contentType.parameters.get('boundary') ?? '';
    const inner = contentType.value === 'multipart/digest' ? messageRfc822 : textPlain;
    const ranges = boundary === '' ? null : splitBoundary(rawBody, boundary, defects);
    if (ranges === null) defects.push('no-boundary');
    else {
      const list: MimePart[] = [];
      for (const [from, to] of ranges) {
        if (state.parts >= state.limits.partsMax) {
          defects.push('limit');
          break;
        }
        list.push(splitPart(rawBody.subarray(from, to), inner, depth + 1, state));
      }
      children = list;
    }
  }
  return {
    headers,
    contentType,
    disposition: dispositionHeader === null ? null : parseParameters(dispositionHeader),
    encoding,
    children,
    raw,
    rawBody,
    body,
    defects,
  };
}

/** The raw value of the first header of that (lower-case) name. */
export function headerOf(headers: readonly MimeHeader[], name: string): string | null {
  return headers.find((header) => header.name.toLowerCase() === name)?.rawValue ?? null;
}

function splitHeaders(
  raw: Buffer,
  headersMax: number,
  defects: MimeDefect[],
): { headers: readonly MimeHeader[]; bodyAt: number } {
  const headers: { name: string; rawValue: string }[] = [];
  let at = 0;
  while (at < raw.length) {
    const lf = raw.indexOf(LF, at);
    const next = lf < 0 ? raw.length : lf + 1;
    const end = lf < 0 ? raw.length : lf > at && raw[lf - 1] === CR ? lf - 1 : lf;
    if (end === at) return { headers, bodyAt: next };
    const first = raw[at];
    const last = headers[headers.length - 1];
    if ((first === 0x20 || first === 0x09) && last !== undefined) {
      last.rawValue += raw.latin1Slice(last === undefined ? at : lineEndBefore(raw, at), end);
    } else {
      const colon = raw.indexOf(0x3a, at);
      const name = colon < 0 || colon >= end ? null : raw.latin1Slice(at, colon).trimEnd();
      if (name === null || !/^[!-9;-~]+$/.test(name)) {
        // An mbox line before the headers is none of ours; a part that begins with something else has no headers.
        const mbox = headers.length === 0 && /^>?From /.test(raw.latin1Slice(at, Math.min(end, at + 6)));
        if (headers.length === 0 && !mbox) return { headers, bodyAt: at };
        if (!mbox) {
          defects.push('odd-header-line');
          headers.push({ name: '', rawValue: raw.latin1Slice(at, end) });
        }
      } else {
        if (headers.length >= headersMax) {
          defects.push('limit');
          return { headers, bodyAt: at };
        }
        headers.push({ name, rawValue: raw.latin1Slice(colon + 1, end) });
      }
    }
    at = next;
  }
  return { headers, bodyAt: raw.length };
}

/** Where the line end before `at` begins. */
function lineEndBefore(raw: Buffer, at: number): number {
  return at >= 2 && raw[at - 2] === CR ? at - 2 : at - 1;
}

/** From and to of each part between the lines `--boundary`; null when there is none. */
function splitBoundary(
  body: Buffer,
  boundary: string,
  defects: MimeDefect[],
): readonly (readonly [number, number])[] | null {
  const mark = Buffer.from(`--${boundary}`, 'latin1');
  const ranges: (readonly [number, number])[] = [];
  let from = -1;
  let at = 0;
  for (;;) {
    const found = body.indexOf(mark, at);
    if (found < 0) break;
    at = found + mark.length;
    if (found > 0 && body[found - 1] !== LF) continue;
    let rest = at;
    const closing = body[rest] === 0x2d && body[rest + 1] === 0x2d;
    if (closing) rest += 2;
    while (body[rest] === 0x20 || body[rest] === 0x09 || body[rest] === CR) rest++;
    // A longer line is another boundary that begins like this one; after `--` anything goes.
    if (!closing && rest < body.length && body[rest] !== LF) continue;
    if (from >= 0) ranges.push([from, Math.max(from, found === 0 ? 0 : lineEndBefore(body, found))]);
    if (closing) return ranges;
    from = Math.min(rest + 1, body.length);
    at = from > 0 ? from : at;
  }
  if (from < 0) return null;
  defects.push('no-terminator');
  ranges.push([from, body.length]);
  return ranges;
}

/** Takes off a transfer encoding; an unknown one is none. */
function decodeTransfer(raw: Buffer, encoding: string): Buffer {
  if (encoding === 'base64') return decodeBase64Leniently(raw);
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(raw);
  return raw;
}
