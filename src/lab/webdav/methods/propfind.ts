import type { XmlElement } from '#formats/text/xml-read.ts';
import type { Folder } from '../../world/folder.ts';
import type { Item } from '../../world/item.ts';
import type { Property } from '../../world/property.ts';
import { type Asked, askedFor, columnValue, propstatsOf } from '../answer-properties.ts';
import { attachmentNamed, attachmentPeople, attachmentProperty } from '../attachments.ts';
import { allColumns, asType, type Column, columnOf } from '../columns.ts';
import type { DavContext, Resource } from '../context.ts';
import { childOf, type DavAnswer, type DavCall, isBrief, multistatus, xmlOf } from '../dav-call.ts';
import { DavError } from '../dav-error.ts';
import { decodeName, namespaces } from '../dav-name.ts';
import type { DavResponse } from '../multistatus.ts';
import { readTag } from '../schema-names.ts';

/** What a PROPFIND or BPROPFIND asks for. */
export interface Question {
  readonly asked: readonly Asked[];
  /** Only which properties there are. */
  readonly namesOnly: boolean;
  readonly isAll: boolean;
}

const everything = (namesOnly: boolean): Question => ({
  asked: allColumns.map((column) => askedFor(column.name, column)),
  namesOnly,
  isAll: true,
});

/** @throws DavError 400 */
export function questionOf(root: XmlElement | null): Question {
  if (root === null) return everything(false);
  if (root.ns !== namespaces.dav || root.name !== 'propfind') throw new DavError(400, 'the request needs a propfind');
  if (childOf(root, 'propname') !== null) return everything(true);
  const prop = childOf(root, 'prop');
  if (childOf(root, 'allprop') !== null) return everything(false);
  if (prop === null) throw new DavError(400, 'the request asks for nothing');
  const asked = prop.children.map(({ ns, name }) => {
    const full = { ns, local: decodeName(name) };
    return askedFor(full, columnOf(full));
  });
  return { asked, namesOnly: false, isAll: false };
}

function answerOf(
  href: string,
  { asked, namesOnly, isAll }: Question,
  valueIn: (column: Column | null) => Property | null,
  brief: boolean,
): DavResponse {
  const propstats = propstatsOf(asked, valueIn, brief || isAll);
  if (!namesOnly) return { href, propstats };
  return {
    href,
    propstats: propstats.map(({ status, properties }) => ({
      status,
      properties: properties.map(([name]) => [name, null] as const),
    })),
  };
}

export const answerForTarget = (
  target: Folder | Item,
  question: Question,
  context: DavContext,
  brief: boolean,
): DavResponse =>
  answerOf(
    'searchKey' in target ? context.itemUrl(target) : context.folderUrl(target),
    question,
    (column) => columnValue(column, target, context),
    brief,
  );

/** One attachment: the properties of its row, and those of the message that it is. (assumed) */
function answerForAttachment(
  { item, name, inner }: Extract<Resource, { kind: 'attachment' }>,
  question: Question,
  context: DavContext,
  brief: boolean,
): DavResponse {
  const found = attachmentNamed(item, name, inner);
  if (found === null) throw new DavError(404, 'the item has no such attachment');
  const valueIn = (column: Column | null): Property | null => {
    if (column === null) return null;
    const tag = column.name.ns === namespaces.proptag ? readTag(column.name.local) : null;
    const at = column.writing.kind === 'property' ? column.writing.key : (tag?.key ?? null);
    const property = at === null ? attachmentPeople(found, column.name.local) : attachmentProperty(found, at);
    return tag === null ? property : asType(property, tag.type);
  };
  const href = inner === null ? context.attachmentUrl(item, found.name) : context.attachmentUrl(item, name, found.name);
  return answerOf(href, question, valueIn, brief);
}

/** Depth of a request: 0, 1, and whether the folder itself is answered. Everything below everything is not to be had. (RFC 4918 9.1) */
function depthOf(call: DavCall): { readonly children: boolean; readonly self: boolean } {
  const given = (call.headers['depth'] ?? 'infinity').toLowerCase().replace(/\s+/g, '');
  switch (given) {
    case '0':
      return { children: false, self: true };
    case '1':
      return { children: true, self: true };
    case '1,noroot':
      return { children: true, self: false };
    default:
      throw new DavError(403, 'a PROPFIND goes one level down at most');
  }
}

export function propfind(call: DavCall): DavAnswer {
  const { context } = call;
  const question = questionOf(xmlOf(call));
  const depth = depthOf(call);
  const brief = isBrief(call);
  const resource = context.resolve(call.path);
  switch (resource.kind) {
    case 'item':
      return multistatus(call, { responses: [answerForTarget(resource.item, question, context, brief)] });
    case 'attachment':
      return multistatus(call, { responses: [answerForAttachment(resource, question, context, brief)] });
    case 'folder': {
      const { folder } = resource;
      const targets: (Folder | Item)[] = depth.self ? [folder] : [];
      if (depth.children) {
        for (const child of folder.children) if (child.role !== 'msgfolderroot') targets.push(child);
        targets.push(...folder.items());
      }
      return multistatus(call, {
        responses: targets.map((target) => answerForTarget(target, question, context, brief)),
      });
    }
    default:
      throw new DavError(404, 'there is nothing at this address');
  }
}
