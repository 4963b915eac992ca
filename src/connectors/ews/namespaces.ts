/** Namespaces of EWS over SOAP 1.1. Requests use the prefixes `s`, `m` and `t`; answers may use any. */
export const soapNamespace = 'http://schemas.xmlsoap.org/soap/envelope/';
export const messagesNamespace = 'http://schemas.microsoft.com/exchange/services/2006/messages';
export const typesNamespace = 'http://schemas.microsoft.com/exchange/services/2006/types';
export const errorsNamespace = 'http://schemas.microsoft.com/exchange/services/2006/errors';
