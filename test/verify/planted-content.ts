import { decodeCharset } from '#formats/text/charset.ts';
import { headerOf, type MimePart } from '#formats/text/mime-split.ts';
import {
  addHeader,
  editHeader,
  editHeaders,
  type HeaderLine,
  headersOf,
  isAttachment,
  isBody,
  isMessage,
  nameOf,
  partsOf,
  replacePart,
  swapParts,
  valueText,
  withContent,
  withoutPart,
  withPartHeaders,
} from './mime-edit.ts';

/** One kind of difference in a message. */
export interface ContentKind {
  readonly name: string;
  /** The message with the difference; null when it has nothing of that kind. */
  readonly edit: (mime: Buffer) => Buffer | null;
  /** Place in the canonical content where it has to be seen. */
  readonly seenAs: RegExp;
}

const kind = (name: string, seenAs: RegExp, edit: ContentKind['edit']): ContentKind => ({ name, seenAs, edit });

// -- headers --

const header = (name: string, of: string, seenAs: RegExp, change: (value: string) => string | null): ContentKind =>
  kind(name, seenAs, (mime) => {
    // With a second header of that name the first may say nothing new.
    if (headersOf(mime).filter((line) => line.name === of).length !== 1) return null;
    const value = valueText(headersOf(mime).find((line) => line.name === of) as HeaderLine);
    return value === '' ? null : editHeader(mime, of, change);
  });
const dropped = (of: string, seenAs: RegExp): ContentKind => header(`${of} lost`, of, seenAs, () => null);

/** Unstructured headers that are compared by name. Those that servers make anew or that MIME itself uses are not. */
const others = (mime: Buffer, pattern: RegExp): readonly string[] => {
  const names = headersOf(mime).map((line) => line.name);
  return names.filter((name, n) => pattern.test(name) && names.indexOf(name) === n && names.lastIndexOf(name) === n);
};
const other = (name: string, pattern: RegExp, change: (value: string) => string | null): ContentKind =>
  kind(name, /^headers\./, (mime) => {
    for (const of of others(mime, pattern)) {
      const edited = editHeader(mime, of, (value) => (value === '' ? value : change(value)));
      if (edited) return edited;
    }
    return null;
  });

const addressAt = /[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+/;
/** A person with a plain name, `Jane Roe <j@x>`; other forms are left to the other kinds. */
const named = /^([A-Za-z]{2,}(?: [A-Za-z]{2,})*) (<[^<>@\s]+@[^<>\s]+>)$/;
const list = (value: string): readonly string[] | null => {
  const all = value.split(',').map((one) => one.trim());
  return all.length > 1 && all.every((one) => addressAt.test(one) && !/[":;()=]/.test(one)) ? all : null;
};
const dateWithTime = /(\d{1,2}):(\d{2}):(\d{2})/;
const cleanDate = /^[A-Za-z]{3}, +\d{1,2} [A-Za-z]{3} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}(?: \([A-Za-z]+\))?$/;
const shift = (value: string, ms: number): string => {
  if (!cleanDate.test(value)) return value;
  return new Date(Date.parse(value.replace(/ \(.*/, '')) + ms).toUTCString().replace('GMT', '+0000');
};
const flipped = (value: string): string => value.replace(/[a-y]/, (c) => String.fromCharCode(c.charCodeAt(0) + 1));
/** Plain text that is no encoded word: characters of it can be changed one by one. */
const plain = (value: string): boolean => /^[\x20-\x7e]+$/.test(value) && !value.includes('=?');
const nonAscii = /[^\x00-\x7f]/;
const encodedWord = /=\?[^?\s]+\?[bBqQ]\?[^?]+\?=/;

const headerKinds: readonly ContentKind[] = [
  header('to lost', 'to', /^to/, (value) => (addressAt.test(value) ? null : value)),
  dropped('cc', /^cc/),
  dropped('from', /^from/),
  dropped('reply-to', /^replyTo/),
  dropped('bcc', /^bcc/),
  dropped('date', /^(date|headers\.date)/),
  dropped('message-id', /^messageId/),
  dropped('in-reply-to', /^inReplyTo/),
  dropped('references', /^references/),
  dropped('subject', /^subject/),
  header('one recipient lost', 'to', /^to/, (value) => list(value)?.slice(1).join(', ') ?? value),
  header('one copy recipient lost', 'cc', /^cc/, (value) => list(value)?.slice(0, -1).join(', ') ?? value),
  header('recipient added', 'to', /^to/, (value) => `${value}, planted@x.example`),
  header('copy recipient added', 'cc', /^cc/, (value) => `${value}, planted@x.example`),
  header('recipients in another order', 'to', /^to/, (value) => list(value)?.toReversed().join(', ') ?? value),
  header('first recipient doubled', 'to', /^to/, (value) => {
    const all = list(value);
    return all ? [all[0], ...all].join(', ') : value;
  }),
  header('author’s name changed', 'from', /^from/, (value) =>
    value.replace(named, (_, name, address) => `${flipped(name)} ${address}`),
  ),
  header('author’s name lost', 'from', /^from/, (value) => value.replace(named, '$2')),
  header('author’s name replaced by the address', 'from', /^from/, (value) =>
    value.replace(named, (_, _name, address: string) => `"${address.slice(1, -1)}" ${address}`),
  ),
  header('author’s first and last name exchanged', 'from', /^from/, (value) =>
    value.replace(/^([A-Za-z]{2,}) ([A-Za-z]{2,}) (<[^<>@\s]+@[^<>\s]+>)$/, (whole, one, two, address) =>
      one === two ? whole : `${two} ${one} ${address}`,
    ),
  ),
  header('author’s address changed', 'from', /^from/, (value) =>
    value.includes('=?') ? value : value.replace(/[A-Za-z0-9._%+-]+@/, (local) => `x${local}`),
  ),
  header('author’s domain changed', 'from', /^from/, (value) =>
    value.includes('=?') ? value : value.replace(/@[A-Za-z0-9]/, (start) => `@x${start.slice(1)}`),
  ),
  header('recipient’s name changed', 'to', /^to/, (value) =>
    value.replace(named, (_, name, address) => `${name} Jr ${address}`),
  ),
  header('recipient’s address changed', 'to', /^to/, (value) =>
    value.includes('=?') ? value : value.replace(/[A-Za-z0-9._%+-]+@/, (local) => `x${local}`),
  ),
  header('reply address changed', 'reply-to', /^replyTo/, (value) =>
    value.includes('=?') ? value : value.replace(/[A-Za-z0-9._%+-]+@/, (local) => `x${local}`),
  ),
  kind('recipients became copy recipients', /^to/, (mime) =>
    editHeaders(mime, (lines) => {
      const n = lines.findIndex((line) => line.name === 'to');
      const line = lines[n];
      return line && addressAt.test(valueText(line))
        ? lines.toSpliced(n, 1, { name: 'cc', text: `Cc${line.text.slice(2)}` })
        : null;
    }),
  ),
  kind('copy recipients became blind', /^cc/, (mime) =>
    editHeaders(mime, (lines) => {
      const n = lines.findIndex((line) => line.name === 'cc');
      const line = lines[n];
      return line && valueText(line) !== ''
        ? lines.toSpliced(n, 1, { name: 'bcc', text: `Bcc${line.text.slice(2)}` })
        : null;
    }),
  ),
  kind('sender added', /^sender/, (mime) =>
    headersOf(mime).some((line) => line.name === 'sender') ? null : addHeader(mime, 'Sender', 'planted@x.example'),
  ),
  kind('reply address added', /^replyTo/, (mime) =>
    headersOf(mime).some((line) => line.name === 'reply-to') ? null : addHeader(mime, 'Reply-To', 'planted@x.example'),
  ),
  header('date an hour later', 'date', /^date/, (value) => shift(value, 3_600_000)),
  header('date a second later', 'date', /^date/, (value) => shift(value, 1000)),
  header('date a year earlier', 'date', /^date/, (value) =>
    cleanDate.test(value) ? value.replace(/ (\d{4}) /, (_, year) => ` ${Number(year) - 1} `) : value,
  ),
  header('zone of the date lost', 'date', /^date/, (value) =>
    cleanDate.test(value) && !/[+-]0000/.test(value) ? value.replace(/[+-]\d{4}.*$/, '+0000') : value,
  ),
  header('seconds of the date lost', 'date', /^date/, (value) =>
    cleanDate.test(value) ? value.replace(dateWithTime, '$1:$2:00') : value,
  ),
  // A date that nobody can read is replaced by servers.
  header('date of now', 'date', /^(date|headers\.date)/, (value) =>
    cleanDate.test(value) ? 'Sun, 22 Nov 2026 12:00:00 +0000' : value,
  ),
  header('Message-Id changed', 'message-id', /^messageId/, (value) => value.replace(/<([^<>]+)>/, '<x$1>')),
  header('Message-Id’s case changed', 'message-id', /^messageId/, (value) => {
    const upper = value.toUpperCase();
    return plain(value) ? upper : value;
  }),
  header('In-Reply-To changed', 'in-reply-to', /^inReplyTo/, (value) => value.replace(/<([^<>]+)>/, '<x$1>')),
  header('references cut to the first', 'references', /^references/, (value) => /^<[^<>]+>/.exec(value)?.[0] ?? value),
  header('references cut to the last', 'references', /^references/, (value) => /<[^<>]+>$/.exec(value)?.[0] ?? value),
  header('references in another order', 'references', /^references/, (value) => {
    const ids = value.match(/<[^<>]+>/g) ?? [];
    return ids.length > 1 && new Set(ids).size > 1 ? ids.toReversed().join(' ') : value;
  }),
  header('reference added', 'references', /^references/, (value) => `${value} <planted@x.example>`),
  header('character of the subject changed', 'subject', /^subject/, (value) => (plain(value) ? flipped(value) : value)),
  header('subject got a prefix', 'subject', /^subject/, (value) => `Re: ${value}`),
  header('subject cut', 'subject', /^subject/, (value) =>
    plain(value) && value.length > 3 ? value.slice(0, -2).trim() : value,
  ),
  header('subject in capitals', 'subject', /^subject/, (value) => (plain(value) ? value.toUpperCase() : value)),
  header('white space in the subject', 'subject', /^subject/, (value) =>
    plain(value) ? value.replace(/(\S) (\S)/, '$1   $2') : value,
  ),
  header('encoded subject replaced by question marks', 'subject', /^subject/, (value) =>
    encodedWord.test(value) ? value.replace(encodedWord, '????????') : value,
  ),
  header('emoji appended to the subject', 'subject', /^subject/, (value) => `${value} =?utf-8?B?8J+Yig==?=`),
  header('encoded words of the subject not decoded', 'subject', /^subject/, (value) =>
    encodedWord.test(value) ? value.replace(/=\?/g, '= ?') : value,
  ),
  // A sender who is the author says nothing.
  kind('sender lost', /^sender/, (mime) => {
    const value = (name: string) =>
      headersOf(mime).flatMap((line) => (line.name === name ? [addressAt.exec(valueText(line))?.[0] ?? ''] : []));
    return value('sender')[0] === value('from')[0] ? null : editHeader(mime, 'sender', () => null);
  }),
  header('charset of the subject mistaken', 'subject', /^subject/, (value) =>
    /^=\?utf-8\?B\?[^?]+\?=$/i.test(value) &&
    nonAscii.test(Buffer.from(value.split('?')[3] ?? '', 'base64').toString('utf8'))
      ? value.replace(/utf-8/i, 'iso-8859-1')
      : value,
  ),
  other('X- header lost', /^x-(?!ms-)/, () => null),
  other('X- header changed', /^x-(?!ms-)/, (value) => (plain(value) ? `${value} planted` : value)),
  other('X- header cut', /^x-(?!ms-)/, (value) =>
    plain(value) && value.length > 4 ? value.slice(0, -3).trim() : value,
  ),
  other('header of a list lost', /^list-/, () => null),
  other('header of a list changed', /^list-/, (value) => `${value} planted`),
  other('way of the message lost', /^return-path|^delivered-to|^x-original-to/, () => null),
  other('importance header lost', /^(importance|priority|x-priority|x-msmail-priority)$/, () => null),
  other('importance header changed', /^(importance|priority|x-priority|x-msmail-priority)$/, (value) => `${value} 5`),
  other('signature of the domain lost', /^(dkim-signature|domainkey-signature|authentication-results)$/, () => null),
  other('signature of the domain changed', /^(dkim-signature|domainkey-signature)$/, (value) =>
    value.replace(/b=./, 'b=_'),
  ),
  other('request for a receipt lost', /^(disposition-notification-to|return-receipt-to)$/, () => null),
  other('program of the author lost', /^(user-agent|x-mailer)$/, () => null),
  other('precedence changed', /^(precedence|auto-submitted)$/, (value) => `${value}x`),
  other('thread header lost', /^thread-/, () => null),
  other('resent header lost', /^resent-/, () => null),
  other(
    'any other header lost',
    /^(comments|keywords|organization|approved-by|errors-to|content-class|expires|sensitivity|mailing-list|old-.*)$/,
    () => null,
  ),
  kind('first Received lost', /^headers\.received/, (mime) =>
    editHeaders(mime, (lines) => {
      const n = lines.findIndex((line) => line.name === 'received');
      return n < 0 ? null : lines.toSpliced(n, 1);
    }),
  ),
  kind('last Received lost', /^headers\.received/, (mime) =>
    editHeaders(mime, (lines) => {
      const n = lines.findLastIndex((line) => line.name === 'received');
      return n < 0 ? null : lines.toSpliced(n, 1);
    }),
  ),
  kind('Received in another order', /^headers\.received/, (mime) =>
    editHeaders(mime, (lines) => {
      const at = lines.flatMap((line, n) => (line.name === 'received' ? [n] : []));
      const [first = -1, second = -1] = at;
      const [one, two] = [lines[first], lines[second]];
      return one && two && valueText(one) !== valueText(two) ? lines.with(first, two).with(second, one) : null;
    }),
  ),
  kind('unknown header added', /^headers\.x-planted/, (mime) => addHeader(mime, 'X-Planted', 'yes')),
  kind('header doubled', /^headers\./, (mime) => {
    const [name] = others(mime, /^x-(?!ms-)/);
    const line = headersOf(mime).find((one) => one.name === name);
    return line ? editHeaders(mime, (lines) => [line, ...lines]) : null;
  }),
];

// -- texts --

const visible = (part: MimePart): string =>
  decodeCharset(part.body(), part.contentType.parameters.get('charset') ?? '');

/** Changes the text of the first body of a type. What cannot be read and written again without loss is left alone. */
const body = (name: string, type: 'text/plain' | 'text/html', change: (content: string) => string): ContentKind =>
  kind(name, /^(?:bodies|attachments)/, (mime) => {
    for (const part of partsOf(mime)) {
      if (!isBody(part) || part.contentType.value !== type) continue;
      const before = visible(part);
      if (before.trim() === '' || /[\ufffd\0]/.test(before)) continue;
      const after = change(before);
      if (after.replace(/\s+$/, '') === before.replace(/\s+$/, '')) continue;
      const encoded = withContent(part, Buffer.from(after), (lines) => inUtf8(lines, type));
      return replacePart(mime, part, encoded);
    }
    return null;
  });

function inUtf8(lines: readonly HeaderLine[], type: string): readonly HeaderLine[] {
  const rest = lines.filter((line) => line.name !== 'content-type');
  return [...rest, { name: 'content-type', text: `Content-Type: ${type}; charset=utf-8` }];
}

/** Reads bytes of the right charset as another one. */
const mistaken = (name: string, spoil: (content: string) => string): ContentKind =>
  kind(name, /^(?:bodies|attachments)/, (mime) => {
    for (const part of partsOf(mime)) {
      if (!isBody(part)) continue;
      const before = visible(part);
      if (!nonAscii.test(before) || /[\ufffd\0]/.test(before)) continue;
      const after = spoil(before);
      if (after === before) continue;
      return replacePart(
        mime,
        part,
        withContent(part, Buffer.from(after), (lines) => inUtf8(lines, part.contentType.value)),
      );
    }
    return null;
  });

const lines = (content: string): string[] => content.replace(/\s+$/, '').split(/\r?\n/);
const wordEnd = (content: string): string =>
  content.replace(
    /([A-Za-z]{2})([a-y])\b/,
    (_, start, c: string) => `${start}${String.fromCharCode(c.charCodeAt(0) + 1)}`,
  );

/** Multiparts of a type that have at least two children. */
function multiparts(mime: Buffer, type: string): readonly MimePart[][] {
  const leaves = partsOf(mime);
  const groups = new Map<string, MimePart[]>();
  // Leaves of one multipart stand one after another, between delimiters of the same boundary.
  const whole = mime.toString('latin1');
  for (const part of leaves) {
    const at = part.raw.byteOffset - mime.byteOffset;
    const line = /\n?(--[^\r\n]+)\r?\n$/.exec(whole.slice(Math.max(0, at - 200), at))?.[1]?.trim();
    if (line === undefined) continue;
    groups.set(line, [...(groups.get(line) ?? []), part]);
  }
  return [...groups]
    .filter(([line, parts]) => parts.length > 1 && declares(whole, type, line.slice(2)))
    .map(([, parts]) => parts);
}
function declares(whole: string, type: string, boundary: string): boolean {
  const at = whole.search(new RegExp(`boundary="?${boundary.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}`, 'i'));
  return at > 0 && new RegExp(`content-type:\\s*${type}`, 'i').test(whole.slice(Math.max(0, at - 120), at));
}

const bodyKinds: readonly ContentKind[] = [
  body('character of the text changed', 'text/plain', wordEnd),
  body('first line of the text lost', 'text/plain', (content) =>
    lines(content).length > 1 ? lines(content).slice(1).join('\r\n') : content,
  ),
  body('last line of the text lost', 'text/plain', (content) =>
    lines(content).length > 1 ? lines(content).slice(0, -1).join('\r\n') : content,
  ),
  body('line in the middle lost', 'text/plain', (content) => {
    const all = lines(content);
    return all.length > 2 && (all[all.length >> 1] ?? '') !== ''
      ? all.toSpliced(all.length >> 1, 1).join('\r\n')
      : content;
  }),
  body('empty lines of the text lost', 'text/plain', (content) => content.replace(/\r?\n\r?\n(?=[^\r\n])/g, '\r\n')),
  body('text doubled', 'text/plain', (content) => `${content}\r\n${content}`),
  body('text in capitals', 'text/plain', (content) => content.toUpperCase()),
  body('text emptied', 'text/plain', () => ''),
  body('second half of the text lost', 'text/plain', (content) => content.slice(0, content.trim().length >> 1)),
  body('footer appended to the text', 'text/plain', (content) => `${content}\r\n-- \r\nScanned by something`),
  body('banner before the text', 'text/plain', (content) => `[EXTERNAL]\r\n${content}`),
  body('quote marks lost', 'text/plain', (content) => content.replace(/^> ?/gm, '')),
  body('lines joined', 'text/plain', (content) => content.replace(/(\S)\r?\n(?=\S)/g, '$1 ')),
  body('indentation lost', 'text/plain', (content) => content.replace(/^[ \t]+(?=\S)/gm, '')),
  body('number in the text changed', 'text/plain', (content) =>
    content.replace(/\d/, (digit) => String((Number(digit) + 1) % 10)),
  ),
  body('character of the HTML changed', 'text/html', (content) =>
    content.replace(
      /(>[^<>&]*?[A-Za-z]{2})([a-y])(?=[^<>&]*<)/,
      (_, start, c: string) => `${start}${String.fromCharCode(c.charCodeAt(0) + 1)}`,
    ),
  ),
  body('tag of the HTML lost', 'text/html', (content) =>
    content.replace(/<(?:b|p|br|div|td|span|font|a|i|u|h\d)\b[^>]*>/i, ''),
  ),
  body('attribute of the HTML changed', 'text/html', (content) =>
    content.replace(/(href|src|style|class|align|width)="([^"]+)"/i, '$1="$2x"'),
  ),
  body('end of the HTML lost', 'text/html', (content) => content.slice(0, Math.floor(content.trim().length * 0.7))),
  body('HTML emptied', 'text/html', () => ''),
  body('tracking image in the HTML', 'text/html', (content) => `${content}<img src="https://x.example/1.gif">`),
  body('entity of the HTML changed', 'text/html', (content) => content.replace(/&(?:nbsp|amp|lt|gt|quot);/, ' ')),
  mistaken('UTF-8 read as Latin-1', (content) => decodeCharset(Buffer.from(content), 'windows-1252')),
  mistaken('other than ASCII replaced by question marks', (content) => content.replace(/[^\x00-\x7f]/g, '?')),
  mistaken('other than ASCII lost', (content) => content.replace(/[^\x00-\x7f]/g, '')),
  mistaken('accents lost', (content) => content.normalize('NFD').replace(/\p{M}/gu, '')),
  kind('HTML shown as text', /^bodies/, (mime) => {
    const part = partsOf(mime).find(
      (one) => isBody(one) && one.contentType.value === 'text/html' && visible(one).trim() !== '',
    );
    return part
      ? replacePart(
          mime,
          part,
          withContent(part, part.body(), (all) => inUtf8(all, 'text/plain')),
        )
      : null;
  }),
  kind('text shown as HTML', /^bodies/, (mime) => {
    const part = partsOf(mime).find(
      (one) => isBody(one) && one.contentType.value === 'text/plain' && visible(one).trim() !== '',
    );
    return part
      ? replacePart(
          mime,
          part,
          withContent(part, part.body(), (all) => inUtf8(all, 'text/html')),
        )
      : null;
  }),
  kind('an alternative lost', /^(?:bodies|attachments)/, (mime) => {
    for (const parts of multiparts(mime, 'multipart/alternative')) {
      const last = parts.filter((one) => isBody(one) && visible(one).trim() !== '').at(-1);
      const without = last && withoutPart(mime, last);
      if (without) return without;
    }
    return null;
  }),
  kind('alternatives in another order', /^(?:bodies|attachments)/, (mime) => {
    for (const parts of multiparts(mime, 'multipart/alternative')) {
      const [one, two] = parts.filter((part) => isBody(part) && visible(part).trim() !== '');
      // HTML that comes first is written after the plain text by servers.
      const isUsual = one !== undefined && one.contentType.value !== 'text/html';
      if (isUsual && two && visible(one).trim() !== visible(two).trim()) return swapParts(mime, one, two);
    }
    return null;
  }),
  kind('alternatives shown one after another', /^bodies/, (mime) => {
    const [parts] = multiparts(mime, 'multipart/alternative');
    if (!parts || parts.filter((one) => isBody(one) && visible(one).trim() !== '').length < 2) return null;
    const changed = mime.toString('latin1').replace(/multipart\/alternative/gi, 'multipart/mixed');
    return Buffer.from(changed, 'latin1');
  }),
  kind('texts in another order', /^bodies/, (mime) => {
    const [one, two] = partsOf(mime).filter((part) => isBody(part) && visible(part).trim() !== '');
    return one && two && one.contentType.value === two.contentType.value && visible(one).trim() !== visible(two).trim()
      ? swapParts(mime, one, two)
      : null;
  }),
  kind('everything lost', /^(?:bodies|attachments|signed)/, (mime) => {
    const end = /\r?\n\r?\n/.exec(mime.toString('latin1'));
    const shows = partsOf(mime).some((part) => isMessage(part) || isAttachment(part) || visible(part).trim() !== '');
    return end && shows && headersOf(mime).length > 0 ? mime.subarray(0, end.index + end[0].length) : null;
  }),
];

// -- attachments --

const attachmentsOf = (mime: Buffer): readonly MimePart[] => partsOf(mime).filter(isAttachment);
const filesOf = (mime: Buffer): readonly MimePart[] => attachmentsOf(mime).filter((part) => !isMessage(part));

const file = (name: string, seenAs: RegExp, change: (content: Buffer, part: MimePart) => Buffer | null): ContentKind =>
  kind(name, seenAs, (mime) => {
    for (const part of filesOf(mime)) {
      const content = part.body();
      // Line ends alone are no content: transport changes them.
      if (content.toString('latin1').trim() === '') continue;
      const changed = change(content, part);
      if (changed && changed.toString('latin1').replace(/\r/g, '') !== content.toString('latin1').replace(/\r/g, ''))
        return replacePart(mime, part, withContent(part, changed));
    }
    return null;
  });
const content = /^(?:attachments\[\d+\]\.(?:sha256|sha256OfLines|sizeBytes)|signed)/;
const flip = (bytes: Buffer, at: number): Buffer => {
  const changed = Buffer.from(bytes);
  const byte = changed[at] ?? 0;
  // Another byte that is no line end and no end of text.
  changed[at] = byte === 0x41 ? 0x42 : 0x41;
  return changed;
};

const described = (
  name: string,
  seenAs: RegExp,
  change: (all: readonly HeaderLine[], part: MimePart) => readonly HeaderLine[] | null,
): ContentKind =>
  kind(name, seenAs, (mime) => {
    for (const part of filesOf(mime)) {
      if (part.raw.length === mime.length) continue;
      const changed = withPartHeaders(part, (all) => change(all, part));
      if (changed) return replacePart(mime, part, changed);
    }
    return null;
  });
const without = (all: readonly HeaderLine[], ...names: readonly string[]) =>
  all.filter((line) => !names.includes(line.name));
const describedAs = (
  all: readonly HeaderLine[],
  part: MimePart,
  fileName: string,
  disposition = part.disposition?.value ?? 'attachment',
): readonly HeaderLine[] => [
  ...without(all, 'content-type', 'content-disposition'),
  { name: 'content-type', text: `Content-Type: ${part.contentType.value}` },
  {
    name: 'content-disposition',
    text: `Content-Disposition: ${disposition}; filename*=utf-8''${encodeURIComponent(fileName)}`,
  },
];
const simpleType = (part: MimePart): boolean =>
  part.contentType.value !== 'message/rfc822' && !part.contentType.value.startsWith('text/');

const fileKinds: readonly ContentKind[] = [
  kind('first attachment lost', /^(?:attachments|signed)/, (mime) => {
    const [part] = attachmentsOf(mime);
    return part ? withoutPart(mime, part) : null;
  }),
  kind('last attachment lost', /^(?:attachments|signed)/, (mime) => {
    const part = attachmentsOf(mime).at(-1);
    return part ? withoutPart(mime, part) : null;
  }),
  kind('all attachments lost', /^(?:attachments|signed)/, (mime) => {
    let left: Buffer | null = null;
    for (let n = attachmentsOf(mime).length; n > 0; n--) {
      const now: Buffer = left ?? mime;
      const [part] = attachmentsOf(now);
      left = part ? (withoutPart(now, part) ?? left) : left;
    }
    return left;
  }),
  file('byte in the middle of an attachment changed', content, (bytes) => flip(bytes, bytes.length >> 1)),
  file('first byte of an attachment changed', content, (bytes) => flip(bytes, 0)),
  file('last byte of an attachment lost', content, (bytes) =>
    bytes.subarray(0, bytes.toString('latin1').trimEnd().length - 1),
  ),
  file('byte appended to an attachment', content, (bytes) => Buffer.concat([bytes, Buffer.from('!')])),
  file('attachment cut to its half', content, (bytes) => bytes.subarray(0, bytes.length >> 1)),
  file('attachment emptied', content, () => Buffer.alloc(0)),
  file('attachment of zeros', content, (bytes) => Buffer.alloc(bytes.length)),
  file('attachment doubled in itself', content, (bytes) => Buffer.concat([bytes, bytes])),
  file('bits above the seventh of an attachment lost', content, (bytes) =>
    Buffer.from(bytes.map((byte) => byte & 0x7f)),
  ),
  file('attachment read as UTF-8 text', content, (bytes) => Buffer.from(bytes.toString('utf8'))),
  kind('line ends of a binary attachment changed', content, (mime) => {
    for (const part of filesOf(mime)) {
      const bytes = part.body();
      if (part.encoding !== 'base64' || !simpleType(part) || !bytes.includes(0x0a)) continue;
      const changed = bytes.includes('\r\n')
        ? bytes.toString('latin1').replace(/\r\n/g, '\n')
        : bytes.toString('latin1').replace(/\n/g, '\r\n');
      return replacePart(mime, part, withContent(part, Buffer.from(changed, 'latin1')));
    }
    return null;
  }),
  kind('contents of two attachments exchanged', content, (mime) => {
    const files = filesOf(mime).filter(
      (part) => part.raw.length < mime.length && part.body().toString('latin1').trim() !== '',
    );
    for (const [n, one] of files.entries()) {
      const two = files
        .slice(n + 1)
        .find(
          (part) =>
            part.body().toString('latin1').replace(/\r/g, '').trim() !==
            one.body().toString('latin1').replace(/\r/g, '').trim(),
        );
      if (two)
        return replacePart(replacePart(mime, two, withContent(two, one.body())), one, withContent(one, two.body()));
    }
    return null;
  }),
  kind('attachments in another order', /^(?:attachments|signed)/, (mime) => {
    const files = filesOf(mime).filter((part) => part.raw.length < mime.length);
    for (const [n, one] of files.entries()) {
      const two = files.slice(n + 1).find((part) => nameOf(part) !== nameOf(one) && !part.body().equals(one.body()));
      if (two) return swapParts(mime, one, two);
    }
    return null;
  }),
  kind('attachment doubled', /^(?:attachments|signed)/, (mime) => {
    const part = filesOf(mime).find((one) => one.raw.length < mime.length);
    if (!part) return null;
    const line = /(--[^\r\n]+\r?\n)$/.exec(
      mime.subarray(0, part.raw.byteOffset - mime.byteOffset).toString('latin1'),
    )?.[1];
    const end = mime.includes('\r\n') ? '\r\n' : '\n';
    return line
      ? replacePart(mime, part, Buffer.concat([part.raw, Buffer.from(end + line, 'latin1'), part.raw]))
      : null;
  }),
  described('attachment renamed', /^attachments\[\d+\]\.fileName|^signed/, (all, part) =>
    simpleType(part) ? describedAs(all, part, `planted-${nameOf(part)}`) : null,
  ),
  described('extension of an attachment lost', /^attachments\[\d+\]\.fileName|^signed/, (all, part) =>
    simpleType(part) && /\.\w+$/.test(nameOf(part)) ? describedAs(all, part, nameOf(part).replace(/\.\w+$/, '')) : null,
  ),
  described('name of an attachment lost', /^attachments\[\d+\]\.fileName|^signed/, (all, part) =>
    simpleType(part) && nameOf(part) !== ''
      ? describedAs(all, part, '').map((line) =>
          line.name === 'content-disposition'
            ? { ...line, text: `Content-Disposition: ${part.disposition?.value ?? 'attachment'}` }
            : line,
        )
      : null,
  ),
  described('case of an attachment’s name changed', /^attachments\[\d+\]\.fileName|^signed/, (all, part) =>
    simpleType(part) && nameOf(part) !== nameOf(part).toUpperCase()
      ? describedAs(all, part, nameOf(part).toUpperCase())
      : null,
  ),
  described('other than ASCII in a name replaced', /^attachments\[\d+\]\.fileName|^signed/, (all, part) =>
    simpleType(part) && nonAscii.test(nameOf(part))
      ? describedAs(all, part, nameOf(part).replace(/[^\x00-\x7f]/g, '_'))
      : null,
  ),
  described('type of an attachment changed', /^attachments\[\d+\]\.contentType|^signed/, (all, part) =>
    simpleType(part)
      ? [
          ...without(all, 'content-type'),
          {
            name: 'content-type',
            text: `Content-Type: application/x-planted; name*=utf-8''${encodeURIComponent(nameOf(part))}`,
          },
        ]
      : null,
  ),
  described('Content-Id of an attachment lost', /^attachments\[\d+\]\.contentId|^signed/, (all) =>
    all.some((line) => line.name === 'content-id' && /[^<>\s]/.test(valueText(line)))
      ? without(all, 'content-id')
      : null,
  ),
  described('Content-Id of an attachment changed', /^attachments\[\d+\]\.contentId|^signed/, (all) => {
    const n = all.findIndex((line) => line.name === 'content-id');
    return n < 0 ? null : all.with(n, { name: 'content-id', text: 'Content-ID: <planted@x.example>' });
  }),
  // What is shown nowhere in the HTML is an attachment for servers, whatever it says.
  kind('inline became attachment', /^attachments\[\d+\]\.inline|^signed/, (mime) => {
    const html = partsOf(mime).filter((part) => isBody(part) && part.contentType.value === 'text/html');
    const shows = (id: string) => html.some((part) => visible(part).includes(`cid:${id}`));
    for (const part of filesOf(mime)) {
      const id = headerOf(part.headers, 'content-id')?.trim().replace(/^<|>$/g, '') ?? '';
      if (part.disposition?.value === 'attachment' || id === '' || !shows(id) || !simpleType(part)) continue;
      return replacePart(
        mime,
        part,
        withPartHeaders(part, (all) => describedAs(all, part, nameOf(part), 'attachment')) ?? part.raw,
      );
    }
    return null;
  }),
  described('attachment became inline', /^attachments\[\d+\]\.inline|^signed/, (all, part) =>
    part.disposition?.value === 'attachment' && simpleType(part)
      ? describedAs(all, part, nameOf(part), 'inline')
      : null,
  ),
];

// -- attached messages, signatures --

const attached = (
  name: string,
  change: (inner: Buffer) => Buffer | null,
  seenAs = /^(?:attachments\[\d+\]\.message|signed)/,
): ContentKind =>
  kind(name, seenAs, (mime) => {
    for (const part of partsOf(mime)) {
      const [inner] = part.children;
      if (!isMessage(part) || !inner || inner.raw.length === 0) continue;
      const changed = change(Buffer.from(inner.raw));
      if (!changed || changed.equals(inner.raw)) continue;
      const head = part.raw.subarray(0, part.raw.length - part.rawBody.length);
      const clean = editHeaders(Buffer.from(head), (all) => without(all, 'content-transfer-encoding'));
      return replacePart(mime, part, Buffer.concat([clean ?? head, changed]));
    }
    return null;
  });
const editNamed = (name: string): ContentKind['edit'] =>
  [...headerKinds, ...bodyKinds, ...fileKinds].find((one) => one.name === name)?.edit ?? (() => null);

const nestedKinds: readonly ContentKind[] = [
  attached('subject of an attached message lost', editNamed('subject lost')),
  attached('author of an attached message lost', editNamed('from lost')),
  attached('date of an attached message an hour later', editNamed('date an hour later')),
  attached('text of an attached message altered', editNamed('character of the text changed')),
  attached('end of an attached message lost', editNamed('last line of the text lost')),
  attached('attachment of an attached message lost', editNamed('first attachment lost')),
  attached('attachment of an attached message altered', editNamed('byte in the middle of an attachment changed')),
  attached('header of an attached message added', (inner) => addHeader(inner, 'X-Planted', 'yes')),
  kind('attached message lost', /^(?:attachments|signed|bodies)/, (mime) => {
    const part = partsOf(mime).find((one) => isMessage(one) && one.raw.length < mime.length);
    return part ? withoutPart(mime, part) : null;
  }),
  kind('attached message became a file', /^(?:attachments|signed)/, (mime) => {
    const part = partsOf(mime).find((one) => isMessage(one) && one.raw.length < mime.length);
    return part
      ? replacePart(
          mime,
          part,
          withContent(part, part.body(), (all) => [
            ...without(all, 'content-type'),
            { name: 'content-type', text: 'Content-Type: application/octet-stream' },
          ]),
        )
      : null;
  }),
  kind('byte of what is signed changed', /(?:^|\.)signed/, (mime) =>
    signedEdit(mime, (raw) =>
      raw.replace(/([A-Za-z])/, (c) => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase())),
    ),
  ),
  kind('white space of what is signed changed', /(?:^|\.)signed/, (mime) =>
    signedEdit(mime, (raw) => raw.replace(/: ?/, ':  ')),
  ),
  kind('signature lost', /(?:^|\.)signed|^attachments/, (mime) => {
    const changed = mime.toString('latin1').replace(/multipart\/signed/i, 'multipart/mixed');
    return /content-type:\s*multipart\/signed/i.test(mime.toString('latin1')) ? Buffer.from(changed, 'latin1') : null;
  }),
];

function signedEdit(mime: Buffer, change: (raw: string) => string): Buffer | null {
  const whole = mime.toString('latin1');
  const type = /content-type:\s*multipart\/signed[^\n]*(?:\n[ \t][^\n]*)*/i.exec(whole);
  const boundary = type && /boundary="?([^"\s;]+)/i.exec(type[0])?.[1];
  if (!type || !boundary) return null;
  const from = whole.indexOf(`--${boundary}`, type.index + type[0].length);
  const start = whole.indexOf('\n', from) + 1;
  const end = whole.indexOf(`--${boundary}`, start);
  if (from < 0 || start === 0 || end < 0 || whole.slice(start, end).trim() === '') return null;
  return Buffer.from(whole.slice(0, start) + change(whole.slice(start, end)) + whole.slice(end), 'latin1');
}

export const contentKinds: readonly ContentKind[] = [...headerKinds, ...bodyKinds, ...fileKinds, ...nestedKinds];
