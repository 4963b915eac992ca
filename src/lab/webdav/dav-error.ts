/** Status lines as IIS and the store write them. */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  207: 'Multi-Status',
  302: 'Moved Temporarily',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Resource Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  416: 'Requested Range Not Satisfiable',
  422: 'Unprocessable Entity',
  423: 'Locked',
  424: 'Failed Dependency',
  440: 'Login Timeout',
  500: 'Internal Server Error',
  501: 'Not Supported',
  502: 'Bad Gateway',
  507: 'Insufficient Storage',
};

export const statusLine = (status: number): string => `HTTP/1.1 ${status} ${reasons[status] ?? 'Unknown'}`;

/** The server says no, by a status of HTTP. */
export class DavError extends Error {
  override readonly name = 'DavError';
  readonly status: number;
  /** @param message for people: what is wrong with the request. */
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
