import { numberOf } from '../../mapi/message.ts';
import { tag } from '../../mapi/tags.ts';
import type { Item } from '../../world/item.ts';
import { type Property, type PropertyKey, tagKey } from '../../world/property.ts';
import {
  attachmentNamed,
  attachmentProperty,
  attachmentsOf,
  innerAttachmentsOf,
  type NamedAttachment,
} from '../attachments.ts';
import type { Resource } from '../context.ts';
import { type DavAnswer, type DavCall, multistatus } from '../dav-call.ts';
import { DavError } from '../dav-error.ts';
import { type DavName, namespaces } from '../dav-name.ts';

const rowTags: readonly (readonly [string, PropertyKey])[] = [
  ['x3703001f', tagKey(0x3703)],
  ['x3704001f', tag.attachShortName],
  ['x37050003', tag.attachMethod],
  ['x3707001f', tag.attachName],
  ['x370b0003', tagKey(0x370b)],
  ['x370e001f', tag.attachType],
  ['x3712001f', tag.attachContentId],
  ['x3713001f', tagKey(0x3713)],
  ['x37140003', tag.attachFlags],
  ['x3716001f', tagKey(0x3716)],
  ['x0e200003', tagKey(0x0e20)],
  ['x0e210003', tag.attachNumber],
  ['x7ff90040', tag.exceptionReplaces],
  ['x7ffb0040', tag.exceptionStart],
  ['x7ffc0040', tag.exceptionEnd],
  ['x7ffd0003', tag.attachmentFlags],
  ['x7ffe000b', tag.attachHidden],
  ['x7fff000b', tagKey(0x7fff)],
];

/** The attachments of an item. Which properties there are depends on how it was made. (Exchange SDK: X-MS-ENUMATTS) */
export function enumatts(call: DavCall): DavAnswer {
  const { context } = call;
  const resource = context.resolve(call.path);
  if (resource.kind === 'folder') throw new DavError(405, 'a folder has no attachments');
  const { item, within, all } = listed(resource);
  const responses = all.map((one) => {
    const properties: (readonly [DavName, Property])[] = [
      [
        { ns: namespaces.contacts, local: 'cn' },
        { type: 'String', value: one.name },
      ],
      [
        { ns: namespaces.httpmail, local: 'attachmentfilename' },
        { type: 'String', value: one.name },
      ],
    ];
    for (const [local, at] of rowTags) {
      const property =
        at === tagKey(0x0e20)
          ? { type: 'Integer', value: sizeOf(one.attachment.properties.get(tag.attachData)) }
          : attachmentProperty(one, at);
      if (property !== null && (local !== 'x37140003' || numberOf(one.attachment.properties, at) !== 0))
        properties.push([{ ns: namespaces.proptag, local }, property]);
    }
    return {
      href: context.attachmentUrl(item, ...within, one.name),
      propstats: [
        {
          status: 200,
          properties: properties.map(([name, property]) => [{ name, alias: null }, property] as const),
        },
      ],
    };
  });
  return multistatus(call, { responses });
}

/** The attachments at an address: of an item, or of a message that is attached to it. @throws DavError 404 */
function listed(resource: Resource): {
  readonly item: Item;
  readonly within: readonly string[];
  readonly all: readonly NamedAttachment[];
} {
  if (resource.kind === 'item') return { item: resource.item, within: [], all: attachmentsOf(resource.item) };
  const outer =
    resource.kind === 'attachment' && resource.inner === null
      ? attachmentNamed(resource.item, resource.name, null)
      : null;
  if (resource.kind !== 'attachment' || outer === null || outer.attachment.message === null)
    throw new DavError(404, 'there is nothing at this address');
  return { item: resource.item, within: [outer.name], all: innerAttachmentsOf(outer.attachment) };
}

const sizeOf = (data: Property | undefined): number =>
  typeof data?.value === 'string' ? Buffer.byteLength(data.value, 'base64') : 0;
