import { type DavAnswer, type DavCall, multistatus, xmlOf } from '../dav-call.ts';
import { DavError } from '../dav-error.ts';
import { readChanges } from '../patch.ts';
import { nameOfStep } from '../url-names.ts';
import { allWritten, patchTarget } from './proppatch.ts';

/** A body may hold the properties of the new folder; then the answer says how they were taken. */
export function mkcol(call: DavCall): DavAnswer {
  const { context } = call;
  const root = xmlOf(call);
  const changes = root === null ? null : readChanges(root);
  const resource = context.resolve(call.path);
  switch (resource.kind) {
    case 'missing': {
      const { parent, name } = resource;
      const folder = parent.mailbox.createFolder(parent, nameOfStep(name), 'IPF.Note', context.hand());
      const url = context.folderUrl(folder);
      const headers = { location: url };
      if (changes === null) return { status: 201, headers };
      patchTarget({ ...call, headers: {} }, { kind: 'folder', folder }, changes);
      return multistatus(call, { responses: [{ href: url, status: 201, propstats: allWritten(changes) }] }, headers);
    }
    case 'nowhere':
      throw new DavError(409, 'there is no folder for it');
    default:
      throw new DavError(405, 'there is something at this address already');
  }
}
