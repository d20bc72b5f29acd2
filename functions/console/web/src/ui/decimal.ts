/** Sums of decimal numbers as text, exactly: the service never gives money as a float, and the console does not make it one. */
const PART = /^(-?)(\d+)(?:\.(\d+))?$/;

export function sum(values: Iterable<string | null | undefined>): string {
  let total = 0n;
  let digits = 0;
  for (const value of values) {
    const match = PART.exec(value ?? '0');
    if (!match) continue;
    const [, sign, whole, fraction = ''] = match;
    if (fraction.length > digits) {
      total *= 10n ** BigInt(fraction.length - digits);
      digits = fraction.length;
    }
    const units = BigInt(whole! + fraction.padEnd(digits, '0'));
    total += sign ? -units : units;
  }
  const text = (total < 0n ? -total : total).toString().padStart(digits + 1, '0');
  const fraction = digits ? text.slice(-digits).replace(/0+$/, '') : '';
  return `${total < 0n ? '-' : ''}${digits ? text.slice(0, -digits) : text}${fraction && `.${fraction}`}`;
}
