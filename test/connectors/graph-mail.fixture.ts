import { payloadOfBytes } from '#kit/payload.ts';
import type { FolderId, ItemId, MailboxGuid, Version } from '#model/ids.ts';
import type { MailDraft, MailFacts, MailState } from '#model/mail.ts';
import { absentMailFields, mailFields } from '#model/mail-properties.ts';
import { writeStamp } from '#model/stamp.ts';

const times = { sentAt: 1_600_000_000_000, receivedAt: 1_600_000_005_000 };
let nonce = 0;

/** A mail of a source that says nothing but what its MIME says, and when it was sent and received; each with a stamp of its own. */
export function mailDraft(
  mime: Uint8Array | string,
  facts: Partial<MailFacts> = {},
  ofClass: MailDraft['ofClass'] = [],
): MailDraft {
  const nothing = Object.fromEntries(mailFields.map((field) => [field, absentMailFields[field] ?? null]));
  return {
    content: {
      head: {
        id: 'source item' as ItemId,
        version: 'source version' as Version,
        folder: 'source folder' as FolderId,
        state: { ...nothing, isRead: true } as unknown as MailState,
        facts: { ...nothing, itemClass: 'IPM.Note', messageFlags: 1, ...times, ...facts } as unknown as MailFacts,
        stamp: null,
        unread: [],
      },
      mime: payloadOfBytes(typeof mime === 'string' ? Buffer.from(mime) : mime),
      bcc: [],
    },
    stamp: writeStamp({
      organization: 'source',
      mailbox: '11111111-2222-3333-4444-555555555555' as MailboxGuid,
      searchKey: '',
      firstId: '',
      fingerprint: '',
      sizeBytes: 1,
      nonce: (++nonce).toString(16).padStart(12, '0'),
    }),
    ofClass,
  };
}
