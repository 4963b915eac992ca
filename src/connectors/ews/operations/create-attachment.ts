import { attribute, child, type XmlElement } from '#formats/text/xml-read.ts';
import { type XmlFragment, xml } from '#formats/text/xml-write.ts';
import type { AttachmentContent } from '#model/appointment.ts';
import type { ItemId, Version } from '#model/ids.ts';
import type { Written } from '../../contract.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';
import { aboutItems, type Operation } from '../operation.ts';
import { atLeast, type SchemaVersion } from '../server-version.ts';

export interface CreateAttachmentRequest {
  /** An item, or an occurrence by the id that it has as a modified one. */
  readonly parent: Written;
  readonly attachments: readonly AttachmentContent[];
  /** Names of those that are the picture of a contact. */
  readonly isPicture?: (name: string) => boolean;
}

/**
 * Attaches files and items. The answer says which version the item, of an occurrence its series, is at now; null: it does not.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/createattachment-operation
 */
export const createAttachment: Operation<CreateAttachmentRequest, Written | null> = {
  name: 'CreateAttachment',
  subject: aboutItems(true),
  answers: ({ attachments }) => attachments.length,
  write: ({ parent, attachments, isPicture = () => false }, version) =>
    xml`<m:CreateAttachment>${parentRef(parent)}<m:Attachments>${attachments.map((one) => writeAttachment(one, isPicture(one.head.name), version))}</m:Attachments></m:CreateAttachment>`,
  reader: () => ({
    read(message) {
      const attachment = child(message, messagesNamespace, 'Attachments')?.children[0];
      const id = attachment === undefined ? null : child(attachment, typesNamespace, 'AttachmentId');
      return id === null ? null : rootOf(id);
    },
  }),
};

const parentRef = ({ id, version }: Written): XmlFragment =>
  xml`<m:ParentItemId Id="${id}"${version === '' ? null : xml` ChangeKey="${version}"`}/>`;

/** The item that an attachment is of, `RootItemId` and `RootItemChangeKey`. */
export function rootOf(element: XmlElement): Written | null {
  const id = attribute(element, 'RootItemId');
  const version = attribute(element, 'RootItemChangeKey');
  return id === null || version === null ? null : { id: id as ItemId, version: version as Version };
}

/** Before 2010 an attachment cannot be marked as shown in the body, nor as the picture of a contact. */
function writeAttachment({ head, bytes }: AttachmentContent, isPicture: boolean, version: SchemaVersion): XmlFragment {
  const marks = atLeast(version, 'Exchange2010');
  const photo = marks && isPicture ? xml`<t:IsContactPhoto>true</t:IsContactPhoto>` : null;
  const isInline = marks && head.isInline ? xml`<t:IsInline>true</t:IsInline>` : null;
  const type = head.contentType === null ? null : xml`<t:ContentType>${head.contentType}</t:ContentType>`;
  const id = head.contentId === null ? null : xml`<t:ContentId>${head.contentId}</t:ContentId>`;
  const common = xml`<t:Name>${head.name}</t:Name>${type}${id}${isInline}`;
  return head.kind === 'item'
    ? xml`<t:ItemAttachment>${common}<t:Message><t:MimeContent>${bytes}</t:MimeContent></t:Message></t:ItemAttachment>`
    : xml`<t:FileAttachment>${common}${photo}<t:Content>${bytes}</t:Content></t:FileAttachment>`;
}
