import { withHeader } from '../world/compose-mime.ts';
import { key } from '../world/property.ts';
import { contentOfMime } from '../world/read-message.ts';
import type { World } from '../world/world.ts';

/** Puts a message into the inboxes of those recipients that the lab has; whoever it does not have is outside. */
export function deliver(world: World, mime: Buffer, recipients: readonly string[], nowMs: number): void {
  const bytes = withHeader(mime, 'Bcc', null);
  const content = contentOfMime(bytes);
  const properties = new Map(content.properties);
  properties.set(key.receivedAt, { type: 'SystemTime', value: nowMs });
  for (const address of new Set(recipients.map((recipient) => recipient.toLowerCase()))) {
    const mailbox = world.mailbox(address);
    if (mailbox === null) continue;
    mailbox.create(
      mailbox.folder('inbox'),
      { content: { ...content, properties }, messageFlags: null, isRead: false, delivered: true },
      mailbox.server,
    );
  }
}
