import { isSameProperty, type MapiMessage } from '#formats/mapi/mapi-message.ts';
import { mailTags } from '#formats/mime-mapi/mail-tags.ts';
import { messageOfDraft } from '#formats/mime-mapi/message-of-draft.ts';
import { MailTooLarge, wholeMime } from '#formats/mime-mapi/part-content.ts';
import type { Fault } from '#kit/fault.ts';
import type { MailDraft } from '#model/mail.ts';

/**
 * A mail as what is imported of it, as its source had it but for one thing: the copy asks for no receipts. On the source somebody may
 * have answered that question long ago, and here marking or removing the copy would answer it again, with no way to say "silently".
 */
export async function messageToImport(draft: MailDraft): Promise<MapiMessage | Fault> {
  try {
    const message = messageOfDraft(draft, await wholeMime(draft.content.mime));
    const asksFor = [mailTags.readReceipt, mailTags.deliveryReport];
    return {
      ...message,
      properties: message.properties.filter(({ property }) => !asksFor.some((one) => isSameProperty(one, property))),
    };
  } catch (error) {
    if (!(error instanceof MailTooLarge)) throw error;
    return { kind: 'poison', reason: 'too-large', detail: error.message };
  }
}
