import type { MimePart } from '../text/mime-split.ts';

/** Classes of messages whose only attachment is the message as it was signed or encrypted ([MS-OXOSMIME] 2.1.3). */
export const wholeClass = (messageClass: string): boolean => /\.SMIME(?:\.MultipartSigned)?$/i.test(messageClass);

/** What the message is by its content ([MS-OXCMAIL] 2.1.3.2.22, [MS-OXOSMIME] 2.1.3, [MS-OXOMSG] 2.2.2.1 for reports). */
export function contentClass(part: MimePart): string {
  const { value, parameters } = part.contentType;
  if (value === 'multipart/signed' && part.children.length > 0) return 'IPM.Note.SMIME.MultipartSigned';
  if (value === 'application/pkcs7-mime' || value === 'application/x-pkcs7-mime') return 'IPM.Note.SMIME';
  if (value !== 'multipart/report') return 'IPM.Note';
  const report = parameters.get('report-type')?.toLowerCase() ?? '';
  if (report === 'delivery-status') return `REPORT.IPM.Note.${deliveryReport(part)}`;
  if (report === 'disposition-notification') return `REPORT.IPM.Note.${isRead(part) ? 'IPNRN' : 'IPNNRN'}`;
  return 'IPM.Note';
}

const statusBytesMax = 64 * 1024;
const statusText = (part: MimePart, type: string): string =>
  part.children
    .find((child) => child.contentType.value === type)
    ?.body()
    .toString('latin1', 0, statusBytesMax) ?? '';

/** RFC 3464 §2.3.3: one failed recipient makes it a report of failure. */
function deliveryReport(part: MimePart): 'NDR' | 'DR' | 'Delayed' {
  const actions = [...statusText(part, 'message/delivery-status').matchAll(/^action:\s*([a-z]+)/gim)].map(
    ([, action = '']) => action.toLowerCase(),
  );
  if (actions.includes('failed') || actions.length === 0) return 'NDR';
  return actions.includes('delayed') ? 'Delayed' : 'DR';
}

/** RFC 8098 §3.2.6. */
const isRead = (part: MimePart): boolean =>
  /^disposition:[^\r\n]*;\s*(?:displayed|processed|dispatched)/im.test(
    statusText(part, 'message/disposition-notification'),
  );
