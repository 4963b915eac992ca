import { parseXmlBytes, type XmlElement } from '#formats/text/xml-read.ts';
import type { Mailbox } from './mailbox.ts';

/** What a mailbox answers by itself. */
export interface OutOfOffice {
  /** To senders of the same organization; null: nothing. */
  readonly internal: string | null;
  /** To all others; null: nothing. */
  readonly external: string | null;
}

const off: OutOfOffice = { internal: null, external: null };

/** The out-of-office message of a mailbox at this moment, whichever protocol it was written over. */
export function outOfOfficeOf(mailbox: Mailbox): OutOfOffice {
  const ews = mailbox.settings.get('oof');
  if (ews !== undefined) return ofEws(ews, mailbox.nowMs);
  const graph = mailbox.settings.get('graph automaticRepliesSetting');
  return graph === undefined ? off : ofGraph(graph, mailbox.nowMs);
}

/** `OofSettings` as EWS writes it. (EWS doc: useroofsettings) */
function ofEws(xml: string, nowMs: number): OutOfOffice {
  const types = 'http://schemas.microsoft.com/exchange/services/2006/types';
  const { root } = parseXmlBytes(Buffer.from(`<x xmlns:t="${types}">${xml}</x>`));
  const settings = root.children[0];
  if (settings === undefined) return off;
  const child = (of: XmlElement, name: string): XmlElement | undefined => of.children.find((one) => one.name === name);
  const text = (of: XmlElement | undefined, name: string): string =>
    (of === undefined ? undefined : child(of, name))?.text.trim() ?? '';
  const state = text(settings, 'OofState');
  const duration = child(settings, 'Duration');
  const isNow =
    state === 'Enabled' ||
    (state === 'Scheduled' &&
      Date.parse(text(duration, 'StartTime')) <= nowMs &&
      nowMs < Date.parse(text(duration, 'EndTime')));
  if (!isNow) return off;
  const hasExternal = text(settings, 'ExternalAudience') === 'All';
  return {
    internal: text(child(settings, 'InternalReply'), 'Message'),
    external: hasExternal ? text(child(settings, 'ExternalReply'), 'Message') : null,
  };
}

/** `automaticRepliesSetting` as Graph writes it. */
function ofGraph(json: string, nowMs: number): OutOfOffice {
  const settings = JSON.parse(json) as {
    readonly status?: string;
    readonly externalAudience?: string;
    readonly internalReplyMessage?: string;
    readonly externalReplyMessage?: string;
    readonly scheduledStartDateTime?: { readonly dateTime?: string };
    readonly scheduledEndDateTime?: { readonly dateTime?: string };
  };
  const instant = (time: { readonly dateTime?: string } | undefined): number =>
    Date.parse(`${(time?.dateTime ?? '').replace(/Z$/, '')}Z`);
  const isNow =
    settings.status === 'alwaysEnabled' ||
    (settings.status === 'scheduled' &&
      instant(settings.scheduledStartDateTime) <= nowMs &&
      nowMs < instant(settings.scheduledEndDateTime));
  if (!isNow) return off;
  return {
    internal: settings.internalReplyMessage ?? '',
    external: settings.externalAudience === 'all' ? (settings.externalReplyMessage ?? '') : null,
  };
}
