/**
 * What an operation costs its caller's budget, in milliseconds of a server's time. Real servers charge the time they really
 * spent; the lab charges by this table, so that a policy bites the same way on any machine and on a virtual clock.
 * All figures are assumed; their order of magnitude is that of published performance tests of Exchange 2010.
 */
export interface Cost {
  /** Time in the web server, which holds the others. */
  readonly casMs: number;
  /** Of it, waiting for the mailbox server. */
  readonly mailboxMs: number;
  /** Of it, waiting for the directory. */
  readonly directoryMs: number;
}

const baseMs: Readonly<Record<string, number>> = {
  GetFolder: 6,
  FindFolder: 12,
  CreateFolder: 12,
  UpdateFolder: 12,
  MoveFolder: 15,
  CopyFolder: 25,
  DeleteFolder: 15,
  EmptyFolder: 60,
  SyncFolderHierarchy: 15,
  SyncFolderItems: 25,
  FindItem: 25,
  GetItem: 10,
  CreateItem: 20,
  UpdateItem: 15,
  MoveItem: 20,
  CopyItem: 20,
  DeleteItem: 12,
  SendItem: 25,
  GetAttachment: 10,
  CreateAttachment: 15,
  DeleteAttachment: 12,
  ExportItems: 20,
  UploadItems: 30,
  Subscribe: 10,
  Unsubscribe: 4,
  GetEvents: 4,
  GetStreamingEvents: 10,
  ResolveNames: 15,
  GetUserAvailability: 30,
  ConvertId: 2,
};
const otherMs = 10;
/** For every megabyte that a request and its answer carry together: conversion and copying. */
const perMegabyteMs = 120;
const directoryShare = 0.1;
const mailboxShare = 0.6;

export function costOf(operation: string | null, bytes: number): Cost {
  const casMs = (baseMs[operation ?? ''] ?? otherMs) + (bytes / 1_048_576) * perMegabyteMs;
  return { casMs, mailboxMs: casMs * mailboxShare, directoryMs: casMs * directoryShare };
}
