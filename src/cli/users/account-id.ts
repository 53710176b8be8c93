/** The text of a UUID (RFC 9562 section 4), of whatever version: the old table's ids are anybody's. */
export function isAccountId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
