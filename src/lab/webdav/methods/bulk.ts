import type { XmlElement } from '#formats/text/xml-read.ts';
import type { Resource } from '../context.ts';
import { childOf, type DavAnswer, type DavCall, destinationOf, isBrief, multistatus, xmlOf } from '../dav-call.ts';
import { DavError } from '../dav-error.ts';
import type { DavResponse } from '../multistatus.ts';
import { readChanges } from '../patch.ts';
import { asDavError } from '../refusal-status.ts';
import { itemNames } from '../url-names.ts';
import { deleteTarget } from './delete.ts';
import { type Carry, carryTo, placeIn } from './move-copy.ts';
import { answerForTarget, questionOf } from './propfind.ts';
import { patchTarget } from './proppatch.ts';

// One request for many items of a folder: each is answered for itself. (evolution-exchange docs/http)

const targetsMax = 10_000;

/** Addresses in `target`, complete ones or such as begin at the folder of the request. */
function hrefsOf(root: XmlElement): readonly string[] {
  const target = childOf(root, 'target');
  const hrefs = (target?.children ?? []).filter(({ name }) => name === 'href').map(({ text }) => text.trim());
  if (hrefs.length === 0) throw new DavError(400, 'the request names nothing');
  if (hrefs.length > targetsMax) throw new DavError(400, 'the request names too much');
  return hrefs;
}

function full(call: DavCall, href: string): string {
  if (/^https?:\/\//i.test(href)) return href;
  if (href.startsWith('/')) return call.context.origin + href;
  const folder = (call.path.split('?', 1)[0] ?? '').replace(/\/*$/, '/');
  return call.context.origin + folder + href;
}

function each(call: DavCall, root: XmlElement, one: (resource: Resource, href: string) => DavResponse): DavAnswer {
  const { context } = call;
  if (context.resolve(call.path).kind !== 'folder') throw new DavError(404, 'there is no such folder');
  const responses = hrefsOf(root).map((given): DavResponse => {
    const href = full(call, given);
    try {
      return one(context.resolve(href), href);
    } catch (thrown) {
      const error = asDavError(thrown);
      if (error === null) throw thrown;
      return { href, status: error.status };
    }
  });
  return multistatus(call, { responses });
}

function rootOf(call: DavCall): XmlElement {
  const root = xmlOf(call);
  if (root === null) throw new DavError(400, 'the request has no body');
  return root;
}

export function bpropfind(call: DavCall): DavAnswer {
  const root = rootOf(call);
  const question = questionOf(root);
  const brief = isBrief(call);
  return each(call, root, (resource) => {
    if (resource.kind === 'item') return answerForTarget(resource.item, question, call.context, brief);
    if (resource.kind === 'folder') return answerForTarget(resource.folder, question, call.context, brief);
    throw new DavError(404, 'there is nothing at this address');
  });
}

export function bproppatch(call: DavCall): DavAnswer {
  const root = rootOf(call);
  const changes = readChanges(root);
  return each(call, root, (resource) => {
    if (resource.kind === 'missing') throw new DavError(404, 'there is nothing at this address');
    return patchTarget(call, resource, changes);
  });
}

export function bdelete(call: DavCall): DavAnswer {
  return each(call, rootOf(call), (resource, href) => {
    deleteTarget(call, resource);
    return { href, status: 200 };
  });
}

export function bcarry(call: DavCall, how: Carry): DavAnswer {
  const root = rootOf(call);
  const destination = call.context.resolve(destinationOf(call));
  if (destination.kind !== 'folder') throw new DavError(409, 'the destination is no folder');
  return each(call, root, (resource, href) => {
    if (resource.kind !== 'item' && resource.kind !== 'folder')
      throw new DavError(404, 'there is nothing at this address');
    const name = resource.kind === 'item' ? itemNames(resource.item.folder).of(resource.item) : resource.folder.name;
    const location = carryTo(call, how, resource, placeIn(call, destination.folder, name));
    return { href, location, status: 201 };
  });
}
