import type { SampleMail } from '../samples/read-samples.ts';
import { base64Lines, encodeWords, writeDate } from './compose-mime.ts';
import type { ItemContent, ItemOrigin } from './item.ts';
import { addressPart, givenNames, surnames } from './person-names.ts';
import { key, messageFlag, type Property, type PropertyKey, tagKey } from './property.ts';
import { contentOfMime } from './read-message.ts';

/** A small generator for one item: the same numbers for the same start. (mulberry32) */
export function dice(start: number): () => number {
  let a = start >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A number for a text, spread over 32 bits. (FNV-1a) */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

const words =
  'the budget review for next quarter is attached please look at section three before friday wir haben die Unterlagen geprüft und bestätigen den Termin am Montag le contrat sera signé après la réunion we should ask the vendor about delivery dates können Sie mir bitte die aktuelle Fassung schicken thanks for the quick answer the numbers look better than expected naïve façade Zürich 東京 office move plan server room keys parking lunch'.split(
    ' ',
  );
const subjects = [
  'Quarterly numbers',
  'Angebot 2025/117',
  'Lunch?',
  'Re: Termin am Montag',
  'Fwd: Invitation',
  'Réunion de lancement',
  'Status of the migration',
  'Urlaubsantrag',
  'RE: [ticket 4711] printer on the 3rd floor',
  'Protokoll der Sitzung',
  'New badge',
  '会議の件',
  'Šablona smlouvy',
  'Re: Re: plan',
  'Ärger mit der Bestellung',
  '🎉 Launch',
];
const categories = ['Red Category', 'Blue Category', 'Projekt Ä', 'b; c', 'Urgent'];

/** What an item is made from; nothing else goes into it. */
export interface Recipe {
  /** Of the mailbox. */
  readonly start: number;
  /** Counts the items of the mailbox. */
  readonly index: number;
  /** Counts the items of the organization. */
  readonly globalIndex: number;
  readonly owner: { readonly name: string; readonly address: string; readonly domain: string };
  readonly folder: string | null;
  readonly receivedAtMs: number;
  /** When the item before it in the folder came, of which it may be a copy; null: there is none. */
  readonly previousReceivedAtMs: number | null;
  readonly samples: readonly SampleMail[];
}

/** What can be known of a generated item without making its bytes. */
export interface Sketch {
  readonly messageFlags: number;
  readonly receiptRequested: boolean;
  /** Index of the item it is a copy of, or its own. */
  readonly twinOf: number;
}

const draftFolders: ReadonlySet<string | null> = new Set(['drafts']);

function kindOf(recipe: Recipe): { readonly roll: () => number; readonly sketch: Sketch; readonly special: number } {
  const roll = dice(recipe.start ^ Math.imul(recipe.index + 1, 0x9e3779b1));
  const special = Math.floor(roll() * 600);
  const draft = draftFolders.has(recipe.folder);
  const unread = !draft && recipe.folder !== 'sentitems' && roll() < 0.18;
  const receiptRequested = !draft && special % 25 === 3;
  return {
    roll,
    special,
    sketch: {
      messageFlags:
        (draft ? messageFlag.unsent | messageFlag.unmodified : 0) |
        (unread ? 0 : messageFlag.read) |
        (recipe.folder === 'sentitems' ? messageFlag.fromMe : 0),
      receiptRequested,
      twinOf: special % 30 === 7 && recipe.previousReceivedAtMs !== null && !draft ? recipe.index - 1 : recipe.index,
    },
  };
}

export const sketchOf = (recipe: Recipe): Sketch => kindOf(recipe).sketch;

/** The origin of a generated item; its content is made whenever it is looked at, always the same. */
export function originOf(recipe: Recipe): ItemOrigin {
  const { sketch } = kindOf(recipe);
  return {
    messageFlags: sketch.messageFlags,
    content() {
      let content = derived.get(recipe);
      if (content === undefined) {
        content = contentOf(recipe);
        if (derived.size >= derivedMax)
          for (const oldest of derived.keys()) {
            derived.delete(oldest);
            break;
          }
        derived.set(recipe, content);
      }
      return content;
    },
  };
}

/** What was derived last: one look at an item asks for its content several times. */
const derived = new Map<Recipe, ItemContent>();
const derivedMax = 600;

let noisePool: Buffer | null = null;
/** Bytes that do not compress, the same for the same numbers; cut out of a pool, as making them anew for each file costs the most. */
function noise(size: number, at: number): Buffer {
  if (noisePool === null) {
    noisePool = Buffer.allocUnsafe(512 * 1024);
    const roll = dice(1);
    for (let i = 0; i < noisePool.length; i++) noisePool[i] = Math.floor(roll() * 256);
  }
  const from = Math.floor(at * (noisePool.length - size));
  return noisePool.subarray(from, from + size);
}

function pick<T>(list: readonly T[], roll: () => number): T {
  return list[Math.floor(roll() * list.length)] as T;
}

function text(roll: () => number, count: number, lineEnd: string): string {
  let out = '';
  let line = 0;
  for (let i = 0; i < count; i++) {
    const word = words[Math.floor(roll() * words.length)] as string;
    line += word.length + 1;
    out += word;
    if (line > 66) {
      out += lineEnd;
      line = 0;
    } else out += roll() < 0.06 ? '. ' : ' ';
  }
  return out.trimEnd();
}

function quotedPrintable(value: string): string {
  return value
    .split('\r\n')
    .map((line) => {
      const encoded = Buffer.from(line)
        .toString('latin1')
        .replace(/[^\x20-\x3c\x3e-\x7e]/g, (c) => `=${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
        .replace(/ $/, '=20');
      const soft = encoded.match(/(?:=[0-9A-F]{2}|[^=]){1,70}/g) ?? [''];
      return soft.join('=\r\n');
    })
    .join('\r\n');
}

function contentOf(recipe: Recipe): ItemContent {
  const { roll, sketch, special } = kindOf(recipe);
  if (sketch.twinOf !== recipe.index && recipe.previousReceivedAtMs !== null) {
    const original = {
      index: sketch.twinOf,
      globalIndex: recipe.globalIndex - 1,
      receivedAtMs: recipe.previousReceivedAtMs,
    };
    return contentOf({ ...recipe, ...original, previousReceivedAtMs: null });
  }
  const sample = sampleFor(recipe, special);
  const mime = sample === null ? Buffer.from(mimeOf(recipe, roll, special, sketch), 'latin1') : sample.bytes;
  const content = contentOfMime(mime);
  const properties = new Map<PropertyKey, Property>(content.properties);
  const put = (at: PropertyKey, type: string, value: Property['value']): void => {
    properties.set(at, { type, value });
  };
  const draft = (sketch.messageFlags & messageFlag.unsent) !== 0;
  const received = special === 11 ? -11_644_473_600_000 : recipe.receivedAtMs;
  put(key.receivedAt, 'SystemTime', received);
  if (special === 11) put(key.sentAt, 'SystemTime', -11_644_473_600_000);
  if (special === 12) {
    properties.delete(key.receivedAt);
    properties.delete(key.sentAt);
  } else if (!properties.has(key.sentAt)) put(key.sentAt, 'SystemTime', received - 4000);
  if (draft) properties.delete(key.messageId);
  if (roll() < 0.16)
    put(key.keywords, 'StringArray', roll() < 0.3 ? [pick(categories, roll), 'Team'] : [pick(categories, roll)]);
  if (roll() < 0.1) {
    put(key.flagStatus, 'Integer', roll() < 0.4 ? 1 : 2);
    put(key.flagRequest, 'String', roll() < 0.5 ? 'Follow up' : 'Rückruf');
    put(tagKey(0x0e2b), 'Integer', 1);
    if (properties.get(key.flagStatus)?.value === 1) put(key.flagCompletedAt, 'SystemTime', received + 86_400_000);
    else if (roll() < 0.5) {
      put(key.flagStartAt, 'SystemTime', received + 86_400_000);
      put(key.flagDueAt, 'SystemTime', received + 3 * 86_400_000);
    } else put(tagKey(0x1095), 'Integer', 1 + Math.floor(roll() * 6));
  }
  if (!draft && roll() < 0.12) {
    const verb = pick([102, 103, 104], roll);
    put(key.lastVerb, 'Integer', verb);
    put(key.lastVerbAt, 'SystemTime', received + 3_600_000);
    put(key.iconIndex, 'Integer', verb === 104 ? 0x106 : 0x105);
  }
  if (special % 100 === 21)
    put('00062008-0000-0000-c000-000000000046/0x8520', 'Binary', 'AgEEAAAAAAAAAAVSZXBseQhJUE0uTm90ZQdNZXNzYWdlAlJF');
  if (special % 90 === 17) put(tagKey(0x3019), 'Binary', 'ABEiM0RVZneImaq7zN3u/w==');
  if (special % 60 === 9)
    put(
      key.conversationIndex,
      'Binary',
      Buffer.from(
        `01d9${recipe.start.toString(16).padStart(8, '0')}${recipe.index.toString(16).padStart(8, '0')}0102030405060708090a0b0c`.slice(
          0,
          44,
        ),
        'hex',
      ).toString('base64'),
    );
  return { ...content, properties };
}

function sampleFor(recipe: Recipe, special: number): SampleMail | null {
  const { samples, globalIndex } = recipe;
  if (samples.length === 0) return null;
  if (globalIndex >= 0 && globalIndex < samples.length) return samples[globalIndex] ?? null;
  return special % 3 === 0 ? (samples[(globalIndex * 7) % samples.length] ?? null) : null;
}

/** One character per byte. */
function mimeOf(recipe: Recipe, roll: () => number, special: number, sketch: Sketch): string {
  const { owner, index, receivedAtMs } = recipe;
  const given = pick(givenNames, roll);
  const surname = pick(surnames, roll);
  const other = {
    name: `${given} ${surname}`,
    address: `${addressPart(given)}.${addressPart(surname)}@${roll() < 0.5 ? owner.domain : 'partner.test'}`,
  };
  const sent = recipe.folder === 'sentitems' || recipe.folder === 'drafts';
  const show = (p: { name: string; address: string }): string =>
    `${/^[\x20-\x7e]*$/.test(p.name) ? `"${p.name}"` : encodeWords(p.name)} <${p.address}>`;
  const draft = (sketch.messageFlags & messageFlag.unsent) !== 0;
  const subject = `${pick(subjects, roll)}${roll() < 0.4 ? ` ${1 + Math.floor(roll() * 900)}` : ''}`;
  const id =
    special % 40 === 13
      ? null
      : `<${recipe.start.toString(36)}.${special % 40 === 14 ? Math.max(0, index - 1) : index}@${owner.domain}>`;
  const lines: string[] = [];
  if (!sent)
    lines.push(
      `Received: from mail.${owner.domain} (10.0.0.7) by mbx.${owner.domain} (10.0.0.9) with Microsoft SMTP Server;\r\n ${writeDate(receivedAtMs)}`,
    );
  lines.push(`From: ${show(sent ? owner : other)}`, `To: ${show(sent ? other : owner)}`);
  if (roll() < 0.2) lines.push(`Cc: team@${owner.domain}`);
  if (special === 44) lines.push('Subject: =?utf-8?Q?vertical=0Btab_and_=1F_unit?=');
  else lines.push(`Subject: ${encodeWords(subject)}`);
  if (special !== 12) lines.push(`Date: ${writeDate(receivedAtMs - 4000)}`);
  if (id !== null && !draft) lines.push(`Message-ID: ${id}`);
  if (sketch.receiptRequested) lines.push(`Disposition-Notification-To: ${show(sent ? owner : other)}`);
  if (special % 20 === 5) lines.push('Importance: high', 'X-Priority: 1');
  if (special % 45 === 8) lines.push('Sensitivity: Company-Confidential');
  if (special % 70 === 6) lines.push(`Expires: ${writeDate(receivedAtMs + 400 * 86_400_000)}`);
  lines.push('MIME-Version: 1.0');
  const boundary = `----=_Part_${index}_${recipe.start.toString(16)}`;
  const bytesOf = (value: string): string => Buffer.from(value).toString('latin1');
  const plain = text(roll, 30 + Math.floor(roll() * roll() * 600), '\r\n');
  if (special % 50 === 1 && !sent) return `${lines.join('\r\n')}\r\n${deliveryReport(boundary, owner.address, plain)}`;
  if (special % 60 === 2 && !sent)
    return `${lines.join('\r\n')}\r\n${meetingRequest(boundary, recipe, other, subject, plain)}`;
  if (special % 80 === 4) return `${lines.join('\r\n')}\r\n${signed(boundary, plain, roll)}`;
  if (special % 100 < 55) {
    const eightBit = roll() < 0.25;
    lines.push(
      'Content-Type: text/plain; charset="utf-8"',
      `Content-Transfer-Encoding: ${eightBit ? '8bit' : 'quoted-printable'}`,
    );
    return `${lines.join('\r\n')}\r\n\r\n${eightBit ? bytesOf(plain) : quotedPrintable(plain)}\r\n`;
  }
  const html = `<html><body><p>${plain.replaceAll('\r\n', '<br>\r\n')}</p></body></html>`;
  const alternative = (mark: string): string =>
    `Content-Type: multipart/alternative;\r\n\tboundary="${mark}"\r\n\r\n--${mark}\r\nContent-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${quotedPrintable(plain)}\r\n--${mark}\r\nContent-Type: text/html; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64Lines(Buffer.from(html))}\r\n--${mark}--\r\n`;
  if (special % 100 < 82) return `${lines.join('\r\n')}\r\n${alternative(boundary)}`;
  const size = Math.floor(2000 + roll() * roll() * roll() * 120_000);
  const file = noise(size, roll());
  const name = pick(['report.pdf', 'Übersicht.xlsx', 'photo.jpg', 'data.bin'], roll);
  return `${lines.join('\r\n')}\r\nContent-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n--${boundary}\r\n${alternative(`${boundary}a`)}\r\n--${boundary}\r\nContent-Type: application/octet-stream;\r\n name="${encodeWords(name)}"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n filename="${encodeWords(name)}"\r\n\r\n${base64Lines(file)}\r\n--${boundary}--\r\n`;
}

function deliveryReport(boundary: string, to: string, plain: string): string {
  return `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"\r\n\r\n--${boundary}\r\nContent-Type: text/plain; charset="us-ascii"\r\n\r\nYour message could not be delivered.\r\n--${boundary}\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns;mail.partner.test\r\n\r\nFinal-Recipient: rfc822;nobody@partner.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--${boundary}\r\nContent-Type: message/rfc822\r\n\r\nFrom: <${to}>\r\nTo: <nobody@partner.test>\r\nSubject: lost\r\n\r\n${quotedPrintable(plain.slice(0, 60))}\r\n--${boundary}--\r\n`;
}

function meetingRequest(
  boundary: string,
  recipe: Recipe,
  organizer: { name: string; address: string },
  subject: string,
  plain: string,
): string {
  const day = new Date(recipe.receivedAtMs + 7 * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
  const ics = `BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nPRODID:Microsoft Exchange Server 2010\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nORGANIZER:MAILTO:${organizer.address}\r\nATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:MAILTO:${recipe.owner.address}\r\nUID:${recipe.start.toString(16)}-${recipe.index}\r\nSUMMARY:${subject}\r\nDTSTART:${day}T090000Z\r\nDTEND:${day}T100000Z\r\nDTSTAMP:${day}T000000Z\r\nSEQUENCE:0\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;
  return `Content-Type: multipart/alternative; boundary="${boundary}"\r\n\r\n--${boundary}\r\nContent-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${quotedPrintable(plain)}\r\n--${boundary}\r\nContent-Type: text/calendar; charset="utf-8"; method=REQUEST\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64Lines(Buffer.from(ics))}\r\n--${boundary}--\r\n`;
}

function signed(boundary: string, plain: string, roll: () => number): string {
  const signature = Buffer.from(Array.from({ length: 600 }, () => Math.floor(roll() * 256)));
  return `Content-Type: multipart/signed; protocol="application/x-pkcs7-signature";\r\n micalg=SHA1; boundary="${boundary}"\r\n\r\n--${boundary}\r\nContent-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${quotedPrintable(plain)}\r\n--${boundary}\r\nContent-Type: application/x-pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="smime.p7s"\r\n\r\n${base64Lines(signature)}\r\n--${boundary}--\r\n`;
}
