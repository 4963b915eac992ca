/** Why the store refuses, by the name Exchange gives it in EWS; other protocols translate. */
export type RefusalCode =
  | 'ErrorAccessDenied'
  | 'ErrorCannotDeleteObject'
  | 'ErrorCreateItemAccessDenied'
  | 'ErrorDeleteDistinguishedFolder'
  | 'ErrorFolderExists'
  | 'ErrorFolderNotFound'
  | 'ErrorInvalidFolderId'
  | 'ErrorInvalidOperation'
  | 'ErrorIrresolvableConflict'
  | 'ErrorItemNotFound'
  | 'ErrorItemSave'
  | 'ErrorMessageSizeExceeded'
  | 'ErrorMoveCopyFailed'
  | 'ErrorMoveDistinguishedFolder'
  | 'ErrorNameResolutionNoResults'
  | 'ErrorObjectTypeChanged'
  | 'ErrorQuotaExceeded'
  | 'ErrorFolderSave'
  | 'ErrorCannotEmptyFolder'
  | 'ErrorItemSavePropertyError'
  | 'ErrorFolderSavePropertyError';

/** The store says no. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}
