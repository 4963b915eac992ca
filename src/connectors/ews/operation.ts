import type { SpooledPayload } from '#formats/text/spool-scan.ts';
import type { XmlElement } from '#formats/text/xml-read.ts';
import type { XmlFragment } from '#formats/text/xml-write.ts';
import type { Fault } from '#kit/fault.ts';
import type { Context } from '../contract.ts';
import type { Subject } from './faults.ts';
import type { SchemaVersion } from './server-version.ts';

/** What a reader is given of one answer besides its own response message. */
export interface Surroundings {
  /** Base64 texts that were put aside; an element's `payload` is the index. */
  readonly payloads: readonly SpooledPayload[];
}

/** Reads the answer to one request. Made anew for each, so it may keep what it was handed early. */
export interface AnswerReader<Answer> {
  /**
   * Offered every element below `ResponseMessages` as soon as it ends, innermost first; `depth` counts from the response message,
   * whose children have 1. True: taken, so the answer is not held whole.
   */
  readonly take?: (element: XmlElement, depth: number) => boolean;
  /** Reads one response message that is no fault, in the order of the request. Throws XmlFault when it is not what it should be. */
  read(message: XmlElement, surroundings: Surroundings): Answer;
}

/**
 * One EWS operation: how its request is written and how its answer is read, tied together by types, so that calling one and
 * parsing another does not compile.
 */
export interface Operation<Request, Answer> {
  /** Body element of the request; with `Response` that of the answer. */
  readonly name: string;
  readonly subject: Subject;
  /** The server refuses to act as somebody else for this one, so it is asked as whoever signs in. */
  readonly asSelf?: true;
  /** For operations whose answers are not named after them: the element of one answer, and the one inside it that says how it went. */
  readonly messages?: { readonly name: string; readonly response: string };
  /** The body element itself is the one answer. Where an element inside it says how it went, that is named. */
  readonly whole?: true | { readonly response: string };
  /** Local names of elements whose base64 text is put aside into payloads. */
  readonly spooled?: readonly string[];
  /** How many response messages there will be. */
  answers(request: Request): number;
  /** The body element. The version decides which parts exist. */
  write(request: Request, version: SchemaVersion): XmlFragment;
  reader(request: Request): AnswerReader<Answer>;
}

/** Asks the server of one mailbox; one answer, or its fault, for each thing that was asked about. Throws FaultError. */
export type Call = <Request, Answer>(
  operation: Operation<Request, Answer>,
  request: Request,
  context: Context,
) => Promise<readonly (Answer | Fault)[]>;

export const aboutItems = (writes: boolean): Subject => ({ writes, about: 'item' });
export const aboutFolders = (writes: boolean): Subject => ({ writes, about: 'folder' });
/** Requests that give a folder its name. */
export const aboutNames: Subject = { writes: true, about: 'name' };
