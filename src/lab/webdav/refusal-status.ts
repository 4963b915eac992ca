import { Refusal, type RefusalCode } from '../world/refusal.ts';
import { DavError } from './dav-error.ts';

/** What the world's refusals are in HTTP; the rest is 400. */
const statuses: Readonly<Partial<Record<RefusalCode, number>>> = {
  ErrorAccessDenied: 403,
  ErrorCannotDeleteObject: 403,
  ErrorDeleteDistinguishedFolder: 403,
  ErrorMoveDistinguishedFolder: 403,
  ErrorItemSave: 403,
  ErrorFolderSave: 403,
  ErrorFolderExists: 412,
  ErrorFolderNotFound: 404,
  ErrorItemNotFound: 404,
  ErrorMessageSizeExceeded: 413,
  ErrorMoveCopyFailed: 403,
  ErrorQuotaExceeded: 507,
  ErrorFolderSavePropertyError: 400,
};

/** The error that a client gets; null: none that belongs to the request. */
export function asDavError(thrown: unknown): DavError | null {
  if (thrown instanceof DavError) return thrown;
  return thrown instanceof Refusal ? new DavError(statuses[thrown.code] ?? 400, thrown.message) : null;
}
