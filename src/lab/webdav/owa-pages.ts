import type { DavAnswer } from './dav-call.ts';
import { esc } from './multistatus.ts';

const html = { 'content-type': 'text/html' };

/** What people see in a browser at an address, as far as programs look at it. */
export const page = (url: string, title: string): DavAnswer => ({
  status: 200,
  headers: html,
  body: `<html><head><title>${esc(title)}</title>\r\n<BASE href="${esc(url)}${url.endsWith('/') ? '' : '/'}">\r\n</head><body></body></html>`,
});

/** After signing in: the base of the mailbox's own addresses. (DavMail getMailpathFromWelcomePage) */
export const welcomePage = (mailboxUrl: string): DavAnswer => ({
  status: 200,
  headers: html,
  body: `<html><head><title>Microsoft Outlook Web Access</title>\r\n<BASE href="${esc(mailboxUrl)}">\r\n</head><frameset cols="180,*"><frame name="nav" src="?Cmd=navbar"><frame name="viewer" src="Inbox/?Cmd=contents"></frameset></html>`,
});

/** The answer to `Cmd=saveappt`: where the new item is. */
export const savedPage = (itemUrl: string): DavAnswer => ({
  status: 200,
  headers: html,
  body: `<html><body><span id="itemHREF">${esc(itemUrl)}</span></body></html>`,
});

const hidden = (name: string, value: string): string => `<input type="hidden" name="${name}" value="${esc(value)}">`;

/** The form of forms logon. Its fields and their names are what clients look for. */
export const logonPage = (destination: string, isAgain: boolean): DavAnswer => ({
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: `<html><head><title>Microsoft Outlook Web Access</title></head><body>${isAgain ? '<p>You could not be logged on to Outlook Web Access. Make sure your domain\\user name and password are correct, and then try again.</p>' : ''}<form action="owaauth.dll" method="POST" name="logonForm" autocomplete="off">\r\n${hidden('destination', destination)}\r\n${hidden('flags', '0')}\r\n<input type="text" name="username"><input type="password" name="password">\r\n<input type="radio" name="trusted" value="0" checked><input type="radio" name="trusted" value="4"><input type="submit" name="SubmitCreds" value="Log On">\r\n</form></body></html>`,
});
