import type { XmlInput } from '#formats/text/xml-read.ts';
import { type XmlFragment, xmlBody } from '#formats/text/xml-write.ts';
import { systemClock } from '#kit/clock.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { MailContent, MailDraft, MailFacts, MailHead, MailState } from '#model/mail.ts';
import { absentMailState } from '#model/mail-properties.ts';
import type { StampText } from '#model/stamp.ts';
import type { Context } from '../contract.ts';
import { envelopeOf } from './client.ts';
import type { EwsHttp, EwsPost } from './ews-http.ts';
import type { SchemaVersion } from './server-version.ts';

/** The envelope that a client sends, in bytes. */
export const sent = (
  body: XmlFragment,
  version: SchemaVersion,
  owner: string | null = 'anna@example.test',
): Promise<Buffer> => collected(xmlBody(envelopeOf(body, version, owner)).chunks());

async function collected(input: XmlInput): Promise<Buffer> {
  if (input instanceof Uint8Array) return Buffer.from(input);
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A server that gives its answers by the script, one a request, and remembers what it was asked. */
export function scripted(...script: readonly (string | Error)[]): EwsHttp & {
  readonly requests: { readonly operation: string; readonly anchor: string | null; readonly body: string }[];
} {
  const requests: { operation: string; anchor: string | null; body: string }[] = [];
  let at = 0;
  return {
    requests,
    async post({ body, operation, anchorMailbox }: EwsPost) {
      const text = (await collected(body instanceof Uint8Array ? body : body.stream)).toString();
      requests.push({ operation, anchor: anchorMailbox, body: text });
      const answer = script[at++];
      if (answer === undefined) throw new Error(`nothing is scripted for request ${at}, ${operation}`);
      if (answer instanceof Error) throw answer;
      async function* chunks() {
        yield Buffer.from(answer as string);
      }
      return { status: 200, headers: { date: 'Sun, 22 Nov 2026 12:00:00 GMT' }, body: chunks() };
    },
  };
}

const builds = {
  '2007': [8, 1, 240],
  '2010': [14, 2, 247],
  '2013': [15, 0, 847],
  '2016': [15, 1, 2507],
  se: [15, 2, 2562],
} as const;

/** An answer of a server of that version; `messages` is what stands in `m:ResponseMessages`. */
export function answer(operation: string, messages: string, version: keyof typeof builds = '2016'): string {
  const [major, minor, build] = builds[version];
  return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><h:ServerVersionInfo MajorVersion="${major}" MinorVersion="${minor}" MajorBuildNumber="${build}" MinorBuildNumber="1" xmlns:h="http://schemas.microsoft.com/exchange/services/2006/types"/></s:Header><s:Body><m:${operation}Response xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><m:ResponseMessages>${messages}</m:ResponseMessages></m:${operation}Response></s:Body></s:Envelope>`;
}
export const success = (operation: string, content = ''): string =>
  `<m:${operation}ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>${content}</m:${operation}ResponseMessage>`;
export const failure = (operation: string, code: string, rest = ''): string =>
  `<m:${operation}ResponseMessage ResponseClass="Error"><m:MessageText>Told by the test.</m:MessageText><m:ResponseCode>${code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>${rest}</m:${operation}ResponseMessage>`;

export const context: Context = { signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY };
export const clock = systemClock;

export const plainState = absentMailState;
export const plainFacts: MailFacts = {
  itemClass: 'IPM.Note',
  messageFlags: 0,
  sentAt: null,
  receivedAt: null,
  subject: null,
  internetMessageId: null,
  searchKey: null,
  conversationIndex: null,
  conversationTopic: null,
  expiresAt: null,
  replyBy: null,
  votingOptions: null,
  votingResponse: null,
  readReceiptRequested: false,
  hasAttachments: false,
  sizeBytes: 0,
  createdAt: null,
  modifiedAt: null,
  retentionTag: null,
};
export const headWith = (state: Partial<MailState> = {}, facts: Partial<MailFacts> = {}): MailHead => ({
  id: 'AAMkITEM=' as ItemId,
  version: 'CQAAA=' as Version,
  folder: 'AAMkFOLDER=' as FolderId,
  state: { ...plainState, ...state },
  facts: { ...plainFacts, ...facts },
  stamp: null,
  unread: [],
});
const contentWith = (
  head: MailHead,
  mime: Uint8Array = Buffer.from('Subject: x\r\n\r\nbody\r\n'),
  bcc: readonly string[] = [],
): MailContent => ({ head, mime: payloadOfBytes(mime), bcc });
export const draftWith = (head: MailHead, mime?: Uint8Array, bcc?: readonly string[]): MailDraft => ({
  content: contentWith(head, mime, bcc),
  stamp: 'cw1;org;0;1;2;3' as StampText,
  ofClass: [],
});
