import type { PayloadProblem } from '#formats/text/spool-scan.ts';
import { child, type XmlElement, XmlFault } from '#formats/text/xml-read.ts';
import { xml } from '#formats/text/xml-write.ts';
import type { Payload } from '#kit/payload.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';
import { aboutItems, type Operation } from '../operation.ts';

export interface GotAttachment {
  /** `t:FileAttachment` or `t:ItemAttachment`. */
  readonly element: XmlElement;
  /** The file, or the MIME of the item; null when none came. */
  readonly content: Payload | PayloadProblem | null;
}

/**
 * Attachments with their bytes: of files the content, of items the MIME.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/getattachment-operation
 */
export const getAttachment: Operation<readonly string[], GotAttachment> = {
  name: 'GetAttachment',
  subject: aboutItems(false),
  spooled: ['Content', 'MimeContent'],
  answers: (ids) => ids.length,
  write: (ids) =>
    xml`<m:GetAttachment><m:AttachmentShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:AttachmentShape><m:AttachmentIds>${ids.map((id) => xml`<t:AttachmentId Id="${id}"/>`)}</m:AttachmentIds></m:GetAttachment>`,
  reader: () => ({
    read(message, { payloads }) {
      const element = child(message, messagesNamespace, 'Attachments')?.children[0];
      if (element === undefined) throw new XmlFault('malformed', 'a success of GetAttachment holds no attachment', 0);
      const spooled = contentIn(element);
      const found = spooled === null ? undefined : payloads[spooled];
      return { element, content: found === undefined ? null : (found.payload ?? found.problem) };
    },
  }),
};

/** Index of the payload: of `t:Content`, or of the MIME inside whatever kind of item it is. */
function contentIn(attachment: XmlElement): number | null {
  const own = child(attachment, typesNamespace, 'Content');
  if (own !== null) return own.payload;
  for (const item of attachment.children) {
    const mime = child(item, typesNamespace, 'MimeContent');
    if (mime !== null) return mime.payload;
  }
  return null;
}
