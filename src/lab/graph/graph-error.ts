import { Refusal, type RefusalCode } from '../world/refusal.ts';

/** A request is refused, with the code that Graph gives it. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export const badRequest = (message: string): GraphError => new GraphError(400, 'BadRequest', message);
export const notFound = (): GraphError =>
  new GraphError(404, 'ErrorItemNotFound', 'The specified object was not found in the store.');
export const malformedId = (): GraphError => new GraphError(400, 'ErrorInvalidIdMalformed', 'Id is malformed.');
export const accessDenied = (): GraphError =>
  new GraphError(403, 'ErrorAccessDenied', 'Access is denied. Check credentials and try again.');
export const noSegment = (segment: string): GraphError =>
  badRequest(`Resource not found for the segment '${segment}'.`);

/** Refusals of the store that are not 400. (FACTS §4 names the codes; the states are those of the errors page) */
const states: Readonly<Partial<Record<RefusalCode, number>>> = {
  ErrorAccessDenied: 403,
  ErrorCreateItemAccessDenied: 403,
  ErrorFolderExists: 409,
  ErrorFolderNotFound: 404,
  ErrorIrresolvableConflict: 412,
  ErrorItemNotFound: 404,
  ErrorMessageSizeExceeded: 413,
  ErrorQuotaExceeded: 507,
};

/** The answer that a refusal of any origin becomes; null: it is no refusal but a fault of the lab. */
export function graphErrorOf(thrown: unknown): GraphError | null {
  if (thrown instanceof GraphError) return thrown;
  if (thrown instanceof Refusal) return new GraphError(states[thrown.code] ?? 400, thrown.code, thrown.message);
  return null;
}
