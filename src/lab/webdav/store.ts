import type { DavAnswer, DavCall } from './dav-call.ts';
import { DavError } from './dav-error.ts';
import { bcarry, bdelete, bpropfind, bproppatch } from './methods/bulk.ts';
import { remove } from './methods/delete.ts';
import { enumatts } from './methods/enumatts.ts';
import { get } from './methods/get.ts';
import { lock, unlock } from './methods/lock.ts';
import { mkcol } from './methods/mkcol.ts';
import { carry } from './methods/move-copy.ts';
import { poll, subscribe, unsubscribe } from './methods/notify.ts';
import { propfind } from './methods/propfind.ts';
import { proppatch } from './methods/proppatch.ts';
import { put } from './methods/put.ts';
import { search } from './methods/search.ts';
import { owaAnswer, owaPost } from './owa.ts';
import { itemNames } from './url-names.ts';

type Method = (call: DavCall) => DavAnswer | Promise<DavAnswer>;

function options(): DavAnswer {
  return {
    status: 200,
    headers: {
      allow: Object.keys(methods).join(', '),
      public: Object.keys(methods).join(', '),
      dav: '1, 2',
      dasl: '<DAV:sql>',
      'ms-author-via': 'DAV',
      'accept-ranges': 'rows',
      'content-length': '0',
    },
  };
}

/** POST to a folder makes a message that stays a draft, under a name that the store finds. (evolution-exchange docs/http) */
function post(call: DavCall): DavAnswer {
  const byForm = owaPost(call);
  if (byForm !== null) return byForm;
  const resource = call.context.resolve(call.path);
  if (resource.kind !== 'folder') throw new DavError(404, 'there is no such folder');
  const name = itemNames(resource.folder).free('No Subject.EML');
  const url = `${call.context.folderUrl(resource.folder).replace(/\/$/, '')}/${encodeURI(name)}`;
  return put({
    ...call,
    path: call.context.pathOf(url),
    headers: { 'content-type': call.headers['content-type'] ?? '' },
  });
}

const methods: Readonly<Record<string, Method>> = {
  OPTIONS: options,
  GET: (call) => owaAnswer(call) ?? get(call),
  HEAD: (call) => owaAnswer(call) ?? get(call),
  POST: post,
  PUT: put,
  DELETE: remove,
  MOVE: (call) => carry(call, 'move'),
  COPY: (call) => carry(call, 'copy'),
  MKCOL: mkcol,
  PROPFIND: propfind,
  PROPPATCH: proppatch,
  SEARCH: search,
  LOCK: lock,
  UNLOCK: unlock,
  SUBSCRIBE: subscribe,
  UNSUBSCRIBE: unsubscribe,
  POLL: poll,
  BPROPFIND: bpropfind,
  BPROPPATCH: bproppatch,
  BDELETE: bdelete,
  BMOVE: (call) => bcarry(call, 'move'),
  BCOPY: (call) => bcarry(call, 'copy'),
  'X-MS-ENUMATTS': enumatts,
};

export const isMethod = (name: string): boolean => Object.hasOwn(methods, name);

/** Carries one request out. @throws DavError, Refusal */
export async function carryOut(call: DavCall): Promise<DavAnswer> {
  const method = isMethod(call.method) ? methods[call.method] : undefined;
  if (method === undefined) throw new DavError(501, 'there is no such method');
  const answer = await method(call);
  return call.method === 'HEAD' ? { ...answer, body: '' } : answer;
}
