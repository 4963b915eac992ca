import { withHeader } from '../world/compose-mime.ts';
import type { Address, Item } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { originOfCall } from '../world/post-office.ts';
import { key, messageFlag } from '../world/property.ts';
import { contentOfMime } from '../world/read-message.ts';
import type { DavAnswer, DavCall } from './dav-call.ts';
import { DavError } from './dav-error.ts';
import { mimeOfContent } from './rewrite.ts';

// The submission address: the one place where something that a client writes is sent. (evolution-exchange docs/sending-mail)

const isNo = (header: string | undefined): boolean => /^\s*f/i.test(header ?? '');

/** Sends bytes to people, and keeps a copy unless that is not wanted. @throws DavError 403 */
function submit(
  call: DavCall,
  mailbox: Mailbox,
  mime: Buffer,
  recipients: readonly Address[],
  searchKey?: string,
): void {
  const { context, headers } = call;
  const by = context.hand();
  const content = contentOfMime(withHeader(mime, 'Bcc', null));
  const sender = content.from?.address.toLowerCase() ?? mailbox.address;
  if (sender !== mailbox.address) throw new DavError(403, 'the sender is somebody else');
  const to = recipients.filter(({ address }) => address !== '');
  if (to.length === 0) throw new DavError(403, 'the message is for nobody');
  const properties = new Map(content.properties);
  properties.set(key.sentAt, { type: 'SystemTime', value: context.nowMs });
  properties.set(key.receivedAt, { type: 'SystemTime', value: context.nowMs });
  const from = { name: mailbox.displayName, address: mailbox.address };
  const sent = { ...content, from, properties };
  context.organization.world.postOffice.send(mailbox, {
    cause: 'sent-by-person',
    content: sent,
    recipients: to.map(({ address }) => address),
    origin: originOfCall(context.organization, by),
  });
  if (isNo(headers['saveinsent'])) return;
  const destination = headers['savedestination'];
  const resource = destination === undefined ? null : context.resolve(destination);
  const folder = resource?.kind === 'folder' ? resource.folder : mailbox.folder('sentitems');
  mailbox.create(
    folder,
    {
      content: { ...sent, bcc: recipients.filter((one) => !isNamed(one, [...sent.to, ...sent.cc])) },
      messageFlags: messageFlag.read | messageFlag.fromMe,
      isRead: true,
      ...(searchKey === undefined ? {} : { searchKey }),
    },
    by,
  );
}

const isNamed = ({ address }: Address, list: readonly Address[]): boolean =>
  list.some((one) => one.address.toLowerCase() === address.toLowerCase());

/** MOVE of a draft to the submission address. */
export function sendItem(call: DavCall, item: Item, mailbox: Mailbox): DavAnswer {
  const { content } = item;
  submit(call, mailbox, mimeOfContent(content), [...content.to, ...content.cc, ...content.bcc], item.searchKey);
  const by = call.context.hand();
  item.folder.mailbox.recordSend(item, by);
  item.folder.mailbox.remove(item, 'HardDelete', by);
  return { status: 201 };
}

const recipientsMax = 5000;

/** PUT of `message/rfc821`: the envelope in lines, an empty line, the message. */
export function putToSubmission(call: DavCall, mailbox: Mailbox): DavAnswer {
  if (!/^\s*message\/rfc821\b/i.test(call.headers['content-type'] ?? ''))
    throw new DavError(415, 'what is submitted is message/rfc821');
  const crlf = call.body.indexOf('\r\n\r\n');
  const lf = call.body.indexOf('\n\n');
  const end = crlf >= 0 ? crlf : lf;
  if (end < 0) throw new DavError(400, 'the envelope does not end');
  const lines = call.body.subarray(0, end).toString('latin1').split(/\r?\n/);
  const named = (verb: RegExp): readonly string[] =>
    lines.flatMap((line) => {
      const found = verb.exec(line)?.[1];
      return found === undefined ? [] : [found];
    });
  const [from] = named(/^MAIL FROM:\s*<([^>]*)>/i);
  const to = named(/^RCPT TO:\s*<([^>]+)>/i).map((address) => ({ name: '', address }));
  if (to.length > recipientsMax) throw new DavError(400, 'there are too many recipients');
  if (from !== undefined && from.toLowerCase() !== mailbox.address)
    throw new DavError(403, 'the sender is somebody else');
  submit(call, mailbox, call.body.subarray(end + (crlf >= 0 ? 4 : 2)), to);
  return { status: 200 };
}
